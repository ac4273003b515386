import type { ConstraintFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { call } from '../code.ts';
import { namedBy } from '../hanging.ts';
import type { TwinnedKind } from '../kind.ts';
import { constraintOptions, stateOf } from './code.ts';
import { hangingConstraints } from './hanging.ts';
import { lockedByKey, refusedKeys } from './keys.ts';
import { hasTwin, keysOn } from './read-keys.ts';
import { constraintTwin, settingFamilyAside } from './twins.ts';

/** A foreign key, usually of another table, that references the column. */
export const referencingKey: TwinnedKind<'referencing key', ConstraintFacts> = {
  name: 'referencing key',
  ...constraintTwin,
  heading: 'referenced by',
  place: 'elsewhere',
  family: 'key',
  goes: 'before the column',

  async read(sources) {
    const { into } = await keysOn(sources);
    return { objects: into.filter(hasTwin(sources)).map(({ facts }) => facts), refused: refusedKeys(into) };
  },
  hanging: async (sources) =>
    (await hangingConstraints(sources, 'referencing key'))
      .map(namedBy(referencingKey))
      .map((object) => ({ ...object, blocks: true })),
  stateOf,
  lockedTables: async (db, root, object, phase) => (phase === 3 ? lockedByKey(db, root, object) : []),

  steps: {
    constrain: {
      up: (renaming, object) => {
        const twin = { name: renaming.twinOf(referencingKey, object), definition: object.definition };
        return [call('addConstraint', constraintOptions(object, twin))];
      },
      down: (renaming, object) => [
        call('dropConstraint', { on: quoteQualified(object.on), name: renaming.twinOf(referencingKey, object) }),
      ],
    },
    contract: {
      restore: (_renaming, object) => [
        call('addConstraint', constraintOptions(object, { name: object.name, definition: object.original })),
      ],
    },
  },

  settingAside: settingFamilyAside,
  isSame: (original, twin) => original.definition === twin.original && original.enforced === twin.enforced,
  renewed: 'at gates',
};
