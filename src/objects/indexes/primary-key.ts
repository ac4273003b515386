import { TREE } from '../../catalog/tree.ts';
import type { ConstraintFacts, UniqueFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { twinName } from '../../domain/twin-name.ts';
import { sqlQualified } from '../../postgres/names.ts';
import { all } from '../../postgres/queryable.ts';
import { type Code, call } from '../code.ts';
import { constraintOptions } from '../constraints/code.ts';
import { foreignKey } from '../constraints/foreign-key.ts';
import { hangingConstraints } from '../constraints/hanging.ts';
import { referencingKey } from '../constraints/referencing-key.ts';
import { constraintTwin } from '../constraints/twins.ts';
import { aside } from '../dependents/aside.ts';
import { namedBy } from '../hanging.ts';
import type { TwinnedKind } from '../kind.ts';
import type { Presence } from '../presence.ts';
import { refusal, WINDOW } from '../refusal.ts';
import type { Renaming } from '../renaming.ts';
import type { TableSources } from '../sources.ts';
import { indexOptions, timingOf } from './code.ts';
import { guardOf } from './guard.ts';
import { type FoundIndex, indexesOn, OWN_TABLES } from './read.ts';
import { refusedIndex } from './refusals.ts';

/** A primary key that the column is part of: phase 1 builds a unique index for it, and phase 3 moves it. */
export const primaryKey: TwinnedKind<'primary key', UniqueFacts> = {
  name: 'primary key',
  ...constraintTwin,
  heading: 'primary key',
  place: 'table',
  family: 'index',
  goes: 'with the primary key',
  ownTables: OWN_TABLES,

  async read(sources) {
    const found = (await indexesOn(sources)).filter(({ constraint }) => constraint === 'p');
    return { objects: found.map(({ facts }) => facts), refused: found.flatMap((one) => refused(sources, one)) };
  },
  hanging: async (sources) => (await hangingConstraints(sources, 'primary key')).map(namedBy(primaryKey)),
  guard: guardOf,
  refuseLate: ({ name }) => ({
    object: `primary key ${quoteIdent(name)}`,
    reason: 'it is there since the rename was scaffolded, and moves with phase 3 only where phase 1 has prepared it',
    instead: 'Make it a unique index until phase 3 has run.',
  }),

  steps: {
    constrain: { up: createTwin, down: dropTwin },
    contract: { restore: returnKey },
  },

  missing: missingIndexes,
  restoring: async () => [],
  settingAside: async () => [],
  // Of a partitioned table there are indexes on the leaves alone.
  twinKind: ({ partitioned }) => (partitioned ? null : 'index'),
  isSame: (original, twin) => original.definition === twin.original,
  renewed: 'at gates',
};

function refused({ table, shape }: TableSources, found: FoundIndex) {
  const { on, name } = found.facts;
  const isOfPartition = shape.partitioned && quoteQualified(on) !== quoteQualified(table);
  return [
    ...(found.exclusion === null
      ? []
      : [
          refusal(
            `primary key ${quoteIdent(name)} WITHOUT OVERLAPS`,
            'a table has one primary key, and PostgreSQL makes such a one from no index that is there already',
            WINDOW,
          ),
        ]),
    ...(isOfPartition
      ? [
          refusal(
            `primary key ${quoteIdent(name)} of the partition ${quoteQualified(on)}`,
            'the table itself has none, and keys are moved with that of the table',
          ),
        ]
      : []),
    ...refusedIndex(found),
  ];
}

/** The unique index that phase 3 makes the primary key from. */
function createTwin(renaming: Renaming, key: UniqueFacts): Code[] {
  const build = { name: renaming.twinOf(primaryKey, key), definition: key.definition, counterpart: key.name };
  const options = indexOptions(renaming, { ...key, comment: key.indexComment }, build);
  return [call('createIndex', { ...options, ...(renaming.isPartitioned(key.on) ? { leavesOnly: true } : {}) })];
}

function dropTwin(renaming: Renaming, key: UniqueFacts): Code[] {
  const partitioned = renaming.isPartitioned(key.on) ? { like: key.name, leavesOnly: true } : {};
  return [call('dropIndex', { on: quoteQualified(key.on), name: renaming.twinOf(primaryKey, key), ...partitioned })];
}

/** Foreign keys as they are on the new columns. */
function twinsOf(renaming: Renaming, kind: TwinnedKind<string, ConstraintFacts>, keys: readonly ConstraintFacts[]) {
  return keys.map((key) => constraintOptions(key, { name: renaming.twinOf(kind, key), definition: key.definition }));
}

/** Whether a key of the table references the table itself. */
const isOwn =
  ({ on }: Renaming) =>
  ({ definition }: ConstraintFacts): boolean =>
    definition.replaceAll('"', '').includes(` REFERENCES ${on.replaceAll('"', '')}(`);

function returnKey(renaming: Renaming, key: UniqueFacts): Code[] {
  const { facts, rename, beside } = renaming;
  const keys = [
    ...twinsOf(renaming, referencingKey, facts.objects['referencing key']),
    ...[renaming, ...beside].flatMap((one) =>
      twinsOf(one, foreignKey, one.facts.objects['foreign key'].filter(isOwn(one))),
    ),
  ];
  return [
    call('restorePrimaryKey', {
      on: quoteQualified(key.on),
      name: key.name,
      twin: renaming.twinOf(primaryKey, key),
      from: rename.to,
      to: rename.from,
      ...(beside.length === 0
        ? {}
        : { also: beside.map((other) => ({ from: other.rename.to, to: other.rename.from })) }),
      fromIndex: key.definition,
      toIndex: key.original,
      definition: key.originalConstraint,
      ...timingOf(key),
      ...(keys.length === 0 ? {} : { keys }),
      ...aside([facts], ({ needsPrimaryKey }) => needsPrimaryKey),
      ...(key.comment === null ? {} : { comment: key.comment }),
    }),
  ];
}

/** The keys that phase 3 moves as it replaces the column: that of the table itself, and those of its children by plain inheritance. */
export function movedKeys(renamings: readonly Renaming[]) {
  const keys = renamings.flatMap((renaming) =>
    renaming.facts.objects['primary key'].map((key) => ({
      isHome: renaming.isHome(key.on),
      moved: movedKey(renaming, key),
    })),
  );
  const [own, ...others] = [...keys.filter(({ isHome }) => isHome), ...keys.filter(({ isHome }) => !isHome)].map(
    ({ moved }) => moved,
  );
  return {
    ...(own === undefined ? {} : { primaryKey: own }),
    ...(others.length === 0 ? {} : { keysOfChildren: others }),
  };
}

function movedKey(renaming: Renaming, key: UniqueFacts) {
  return {
    ...renaming.place(key.on),
    name: key.name,
    twin: renaming.twinOf(primaryKey, key),
    definition: key.constraintDefinition,
    ...timingOf(key),
    ...(key.comment === null ? {} : { comment: key.comment }),
  };
}

interface KeyHolder {
  on: string;
  printed: string;
  key: string | null;
  isLeaf: boolean;
  indexes: string[];
}

/** The key is made from a unique index in phase 3: the table's, or one on each leaf. Children by plain inheritance have keys of their own. */
async function missingIndexes(presence: Presence, { name, twin }: { name: string; twin: string }, on: string) {
  const root = quoteQualified(presence.table);
  const holders = await presence.once(readHolders);
  return holders
    .filter((holder) => holder.on === on || (holder.isLeaf && on === root))
    .flatMap(({ on: table, printed, key, isLeaf, indexes }) => {
      const wanted = isLeaf && table !== on ? twinName(key ?? name) : twin;
      return indexes.includes(wanted) ? [] : [`index ${quoteIdent(wanted)}${table === root ? '' : ` on ${printed}`}`];
    });
}

/** The tables of the tree that hold rows, with their keys and unique indexes. */
function readHolders({ db, oid }: Presence): Promise<KeyHolder[]> {
  return all<KeyHolder>(
    db,
    `${TREE}
     SELECT ${sqlQualified('n', 'c')} AS on, c.oid::regclass::text AS printed, c.relispartition AS "isLeaf",
       (SELECT conname FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p') AS key,
       ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indisready) AS indexes
     FROM tree JOIN pg_class c ON c.oid = tree.oid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace`,
    [oid],
  );
}
