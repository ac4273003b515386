import type { ConstraintFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { call } from '../code.ts';
import { hangingConstraints } from '../constraints/hanging.ts';
import { constraintTwin } from '../constraints/twins.ts';
import { namedBy } from '../hanging.ts';
import type { TwinnedKind } from '../kind.ts';
import { indexesOn, OWN_TABLES } from './read.ts';
import { refusedIndex } from './refusals.ts';

/** A constraint that PostgreSQL makes from no index that is there: EXCLUDE, and UNIQUE with WITHOUT OVERLAPS. */
export const exclusion: TwinnedKind<'exclusion', ConstraintFacts> = {
  name: 'exclusion',
  ...constraintTwin,
  heading: 'exclusion constraints',
  place: 'table',
  family: 'index',
  // It may name the column in its WHERE alone, and would not go with it.
  goes: 'before the column',
  ownTables: OWN_TABLES,

  async read(sources) {
    const found = (await indexesOn(sources)).flatMap((one) =>
      one.exclusion === null || one.constraint === 'p' ? [] : [{ ...one, object: one.exclusion }],
    );
    return { objects: found.map(({ object }) => object), refused: found.flatMap(refusedIndex) };
  },
  hanging: async (sources) => (await hangingConstraints(sources, 'exclusion')).map(namedBy(exclusion)),
  locking: ({ name }, { bytes }) => ({
    object: `constraint ${quoteIdent(name)}, which PostgreSQL builds under an exclusive lock`,
    bytes,
  }),

  finalText: ({ definition }) => definition,
  steps: {
    constrain: {
      up: (renaming, object) => [add(object, renaming.twinOf(exclusion, object), object.definition)],
      down: (renaming, object) => [
        call('dropConstraint', { on: quoteQualified(object.on), name: renaming.twinOf(exclusion, object) }),
      ],
    },
    contract: { restore: (_renaming, object) => [add(object, object.name, object.original)] },
  },

  isSame: (original, twin) => original.definition === twin.original,
  renewed: 'at gates',
};

function add({ on, comment }: ConstraintFacts, name: string, definition: string) {
  return call('addExclusion', { on: quoteQualified(on), name, definition, ...(comment === null ? {} : { comment }) });
}
