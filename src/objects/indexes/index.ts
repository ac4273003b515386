import type { IndexFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import { call } from '../code.ts';
import { namedBy } from '../hanging.ts';
import type { TwinnedKind } from '../kind.ts';
import type { Renaming } from '../renaming.ts';
import { createIndex } from './code.ts';
import { guardOf } from './guard.ts';
import { hangingIndexes } from './hanging.ts';
import { indexesOn, OWN_TABLES } from './read.ts';
import { refusedIndex } from './refusals.ts';
import { appointingIndex, isIndexThere, qualifiedIndex, restoringIndex, settingIndexAside } from './twins.ts';

/** An index that no constraint owns. */
export const index: TwinnedKind<'index', IndexFacts> = {
  name: 'index',
  carried: 'twin',
  noun: 'index',
  heading: 'indexes',
  place: 'table',
  family: 'index',
  goes: 'with the column',
  lonely: { phases: [1, 2], letter: 'i' },
  ownTables: OWN_TABLES,

  async read(sources) {
    const found = (await indexesOn(sources)).filter(({ constraint }) => constraint === null);
    return { objects: found.map(({ facts }) => facts), refused: found.flatMap(refusedIndex) };
  },
  hanging: async (sources) => (await hangingIndexes(sources)).map(namedBy(index)),
  placeOf: ({ on }) => quoteQualified(on),
  guard: guardOf,

  finalText: ({ definition }) => definition,
  steps: {
    constrain: { up: twin, down: dropTwin },
    contract: {
      restore: (renaming, object) => [
        createIndex(renaming, object, {
          name: object.name,
          definition: object.original,
          counterpart: renaming.twinOf(index, object),
        }),
      ],
    },
  },

  // Where the original is gone somebody has dropped it: it does not come back.
  missing: async (presence, { name, twin: wanted }, on) =>
    !(await presence.has('index of any state', on, name)) || (await presence.has('index', on, wanted))
      ? []
      : [`index ${quoteIdent(wanted)}`],
  isThere: isIndexThere,
  restoring: restoringIndex,
  settingAside: settingIndexAside,
  dropping: async (db: Queryable, on, name) => [`DROP INDEX ${await qualifiedIndex(db, on, name)}`],
  appointing: appointingIndex,
  isSame: (original, other) => original.definition === other.original && original.unique === other.unique,
  renewed: 'at once',
};

function twin(renaming: Renaming, object: IndexFacts) {
  const name = renaming.twinOf(index, object);
  return [createIndex(renaming, object, { name, definition: object.definition, counterpart: object.name })];
}

function dropTwin(renaming: Renaming, object: IndexFacts) {
  return [call('dropIndex', { on: quoteQualified(object.on), name: renaming.twinOf(index, object) })];
}
