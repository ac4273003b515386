import type { UniqueFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { type Code, call } from '../code.ts';
import { hangingConstraints } from '../constraints/hanging.ts';
import { constraintTwin } from '../constraints/twins.ts';
import { namedBy } from '../hanging.ts';
import type { TwinnedKind } from '../kind.ts';
import type { Renaming } from '../renaming.ts';
import { type Build, createIndex, indexOptions, timingOf } from './code.ts';
import { guardOf } from './guard.ts';
import { indexesOn, OWN_TABLES } from './read.ts';
import { refusedIndex } from './refusals.ts';
import { appointingIndex, isIndexThere, restoringIndex, settingIndexAside } from './twins.ts';

/** A unique constraint, and the index behind it. */
export const unique: TwinnedKind<'unique', UniqueFacts> = {
  name: 'unique',
  ...constraintTwin,
  heading: 'unique constraints',
  place: 'table',
  family: 'index',
  goes: 'with the column',
  lonely: { phases: [1, 2], letter: 'u' },
  ownTables: OWN_TABLES,

  async read(sources) {
    const found = (await indexesOn(sources)).filter((one) => one.constraint === 'u' && one.exclusion === null);
    return { objects: found.map(({ facts }) => facts), refused: found.flatMap(refusedIndex) };
  },
  hanging: async (sources) => (await hangingConstraints(sources, 'unique')).map(namedBy(unique)),
  guard: guardOf,

  finalText: ({ definition }) => definition,
  steps: {
    constrain: {
      up: (renaming, object) =>
        create(renaming, object, object.constraintDefinition, {
          name: renaming.twinOf(unique, object),
          definition: object.definition,
          counterpart: object.name,
        }),
      down: (renaming, object) => [
        call('dropConstraint', { on: quoteQualified(object.on), name: renaming.twinOf(unique, object) }),
      ],
    },
    contract: {
      restore: (renaming, object) =>
        create(renaming, object, object.originalConstraint, {
          name: object.name,
          definition: object.original,
          counterpart: renaming.twinOf(unique, object),
        }),
    },
  },

  isThere: isIndexThere,
  restoring: restoringIndex,
  settingAside: settingIndexAside,
  appointing: appointingIndex,
  isSame: (original, twin) =>
    original.definition === twin.original &&
    original.deferrable === twin.deferrable &&
    original.initiallyDeferred === twin.initiallyDeferred,
  renewed: 'at gates',
};

/** PostgreSQL makes a constraint from an index; of a partitioned table it makes none so, and each leaf's is attached. */
function create(renaming: Renaming, object: UniqueFacts, constraint: string, build: Build): Code[] {
  const { comment, indexComment } = object;
  const timing = timingOf(object);
  const index = { ...object, comment: indexComment };
  if (!renaming.isPartitioned(object.on)) {
    const named = { on: quoteQualified(object.on), name: build.name, ...(comment === null ? {} : { comment }) };
    return [createIndex(renaming, index, build), call('addUnique', { ...named, ...timing })];
  }
  const { unique: _, ...options } = indexOptions(renaming, index, build);
  const named = { constraint, ...(comment === null ? {} : { constraintComment: comment }) };
  return [call('addPartitionedUnique', { ...options, ...timing, ...named })];
}
