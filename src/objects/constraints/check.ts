import type { ConstraintFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { call } from '../code.ts';
import { namedBy } from '../hanging.ts';
import type { TwinnedKind } from '../kind.ts';
import { notUnderstood } from '../refusal.ts';
import { constraintOptions, stateOf } from './code.ts';
import { hangingConstraints } from './hanging.ts';
import { CHECK_TABLES, checksOn } from './read-checks.ts';
import { constraintTwin } from './twins.ts';

/** A check on the column, alone or among others. */
export const check: TwinnedKind<'check', ConstraintFacts> = {
  name: 'check',
  ...constraintTwin,
  heading: 'checks',
  place: 'table',
  family: 'check',
  goes: 'with the column',
  lonely: { phases: [1, 2], letter: 'c' },
  ownTables: CHECK_TABLES,

  async read(sources) {
    const found = await checksOn(sources);
    return {
      objects: found.map(({ facts }) => facts),
      refused: found.filter(({ understood }) => !understood).map(({ facts }) => notUnderstood(inWords(facts))),
    };
  },
  hanging: async (sources) => (await hangingConstraints(sources, 'check')).map(namedBy(check)),
  stateOf,

  finalText: ({ definition }) => definition,
  steps: {
    constrain: {
      up: (renaming, object) => {
        const twin = { name: renaming.twinOf(check, object), definition: object.definition };
        return [call('addConstraint', constraintOptions(object, twin))];
      },
      down: (renaming, object) => [
        call('dropConstraint', { on: quoteQualified(object.on), name: renaming.twinOf(check, object) }),
      ],
    },
    contract: {
      restore: (_renaming, object) => [
        call('addConstraint', constraintOptions(object, { name: object.name, definition: object.original })),
      ],
    },
  },

  // An earlier try to make it anew may have met rows that violate it.
  isSame: (original, twin) =>
    original.definition === twin.original &&
    original.enforced === twin.enforced &&
    (twin.validated || !original.validated),
  renewed: 'at once',
};

function inWords({ name }: ConstraintFacts): string {
  return `constraint ${quoteIdent(name)}`;
}
