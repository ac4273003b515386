import type { ConstraintFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { call } from '../code.ts';
import { namedBy } from '../hanging.ts';
import type { TwinnedKind, Way } from '../kind.ts';
import { constraintOptions, stateOf } from './code.ts';
import { hangingConstraints } from './hanging.ts';
import { lockedByKey, refusedKeys } from './keys.ts';
import { hasTwin, keysOn } from './read-keys.ts';
import { constraintTwin, missingConstraint } from './twins.ts';

/** From phase 2 on the sync keeps the key of the new column, and the old one would refuse what it fills. */
const replaced: Way<ConstraintFacts> = {
  up: (renaming, object) => [
    call('replaceForeignKey', {
      on: quoteQualified(object.on),
      name: object.name,
      twin: renaming.twinOf(foreignKey, object),
    }),
  ],
  restore: (renaming, object) => [
    call('restoreForeignKey', {
      ...constraintOptions(object, { name: object.name, definition: object.original }),
      twin: renaming.twinOf(foreignKey, object),
    }),
  ],
};

/** A foreign key of the table that the column is part of. */
export const foreignKey: TwinnedKind<'foreign key', ConstraintFacts> = {
  name: 'foreign key',
  ...constraintTwin,
  heading: 'foreign keys',
  place: 'table',
  family: 'key',
  goes: 'in phase 2',
  lonely: { phases: [1], letter: 'f' },

  async read(sources) {
    const { out } = await keysOn(sources);
    return { objects: out.filter(hasTwin(sources)).map(({ facts }) => facts), refused: refusedKeys(out) };
  },
  hanging: async (sources) => (await hangingConstraints(sources, 'foreign key')).map(namedBy(foreignKey)),
  stateOf,
  lockedTables: async (db, root, object, phase) => (phase === 2 ? lockedByKey(db, root, object) : []),

  finalText: ({ definition }) => definition,
  steps: {
    constrain: {
      up: (renaming, object) => {
        const twin = { name: renaming.twinOf(foreignKey, object), definition: object.definition };
        return [call('addConstraint', constraintOptions(object, twin))];
      },
      down: (renaming, object) => [
        call('dropConstraint', { on: quoteQualified(object.on), name: renaming.twinOf(foreignKey, object) }),
      ],
    },
    switch: replaced,
    refresh: replaced,
  },

  missing: (presence, object, on) => missingConstraint(presence, object, on, object.state === undefined),
  isSame: (original, twin) => original.definition === twin.original && original.enforced === twin.enforced,
  renewed: 'at gates',
};
