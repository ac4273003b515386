import type { Knex } from 'knex';
import { sequencesOf } from '../catalog/pair.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { mapInTurn } from '../domain/in-turn.ts';
import { type CarriedObject, isTwinned, type TwinnedObject } from '../domain/rename.ts';
import { boundName } from '../objects/dependents/aside.ts';
import type { FoundDependent } from '../objects/dependents/read.ts';
import { boundKind, isBoundName, KINDS, twinnedKind } from '../objects/registry.ts';
import { type AsideObject, withDependentsAside } from './aside.ts';
import { dropEverywhere } from './children.ts';
import { dropConstraint } from './constraints.ts';
import { contextOf } from './context.ts';
import { dependentsOf } from './dependents.ts';
import { execute, onConnection, runAll, runSql } from './execute.ts';
import { qualifiedIndex } from './indexes.ts';
import { stillOn, strayOf } from './left.ts';
import { ownNotNulls, takingNames } from './not-null.ts';
import { isKeyColumn, swapPrimaryKey, twinIndexes } from './primary-key.ts';
import { rebindDependents } from './rebind.ts';
import { dropTwin, giveTwinName, restorations } from './twins.ts';

/** Whether a table has a column. */
export async function hasColumn(knex: Knex, on: string, column: string): Promise<boolean> {
  const rows = await runSql(
    knex,
    `SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped`,
    [on, column],
  );
  return rows.length > 0;
}

/** Whether a table has a column of a type, as PostgreSQL prints it under qualified names. */
export async function isOfType(knex: Knex, on: string, column: string, type: string): Promise<boolean> {
  const rows = await runSql(
    knex,
    `SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped AND format_type(atttypid, atttypmod) = $3`,
    [on, column, type],
  );
  return rows.length > 0;
}

/** A primary key, in what is carried over. */
export interface CarriedPrimaryKey {
  /** The table that it is of, where that is a child of the one whose column is replaced. */
  readonly on?: string;
  readonly name: string;
  readonly twin: string;
  /** `PRIMARY KEY (...)` on the new column. */
  readonly definition: string;
  readonly deferrable?: boolean;
  readonly initiallyDeferred?: boolean;
  readonly comment?: string;
}

/** A column to drop, and the one that has taken its place. */
interface Replacement {
  readonly column: string;
  readonly by: string;
}

export interface ReplacedColumn extends Replacement {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** More columns of the table, at the same moment. */
  readonly also?: readonly Replacement[];
  /** What hangs on the old columns, and its twins on the new ones, which get its names. */
  readonly carried: readonly TwinnedObject[];
  readonly primaryKey?: CarriedPrimaryKey;
  /** Those of children by plain inheritance, which inherit none. */
  readonly keysOfChildren?: readonly CarriedPrimaryKey[];
  /** Objects that depend on the primary key, or on every column of the table. */
  readonly dependents?: readonly AsideObject[];
}

/**
 * Drops columns and gives everything that their successors have the names that their own had: indexes and constraints, also those
 * on partitions, and NOT NULL where constraints of it have names (18). Moves the primary key. An index that CLUSTER uses or
 * that is the replica identity is so again. Catalogue changes only, in the transaction of the caller.
 */
export async function replaceColumn(knex: Knex, options: ReplacedColumn): Promise<void> {
  const { on } = options;
  const columns = replacementsOf(options);
  const refreshed = columns.map((one) => refreshedObjects(knex, { on, ...one }));
  const old = columns.map(({ column }) => column);
  const known = await stillOn(knex, on, [...options.carried, ...refreshed.flat().filter(isTwinned)]);
  const strays = await strayOf(knex, on, old, known);
  const carried = known.filter((object) => !strays.includes(object));
  const dependents = [
    ...(options.dependents ?? []),
    ...(await mapInTurn(columns, (one, at) => refreshedDependents(knex, { on, ...one }, refreshed[at] ?? []))).flat(),
  ];
  const notNull = await mapInTurn(columns, async ({ column, by }) =>
    takingNames(await ownNotNulls(knex, on, column), await ownNotNulls(knex, on, by)),
  );
  for (const stray of strays) await dropTwin(knex, stray.on ?? on, stray);
  const restored = (await mapInTurn(carried, (object) => restorations(knex, on, object))).flat();
  for (const { name, on: table = on } of goingFirst(carried)) await dropConstraint(knex, { on: table, name });
  const keys = keysToMove(options, carried);
  const movePrimaryKeys = async () => {
    for (const key of keys) await movePrimaryKey(knex, { on, ...key }, old);
  };
  const drop = async () => {
    for (const { column, by } of columns) {
      await passSequences(knex, on, column, by);
      await dropEverywhere(knex, on, column);
    }
  };
  const swapped = columns.map(({ column, by }) => ({ from: column, to: by }));
  await withDependentsAside(knex, { on, columns: swapped, dependents }, movePrimaryKeys, drop);
  await runAll(knex, restored);
  await runAll(knex, notNull.flat());
}

const replacementsOf = ({ column, by, also = [] }: Replacement & Pick<ReplacedColumn, 'also'>): Replacement[] => [
  { column, by },
  ...also,
];

/** Primary keys that are carried over still: of the table, and of its children. */
export function keysToMove(
  { on, primaryKey, keysOfChildren = [] }: Pick<ReplacedColumn, 'on' | 'primaryKey' | 'keysOfChildren'>,
  carried: readonly TwinnedObject[],
): CarriedPrimaryKey[] {
  const moving = carried.filter(({ kind }) => twinnedKind(kind).goes === 'with the primary key');
  return [...(primaryKey === undefined ? [] : [primaryKey]), ...keysOfChildren].filter((key) =>
    moving.some((object) => object.name === key.name && (object.on ?? on) === (key.on ?? on)),
  );
}

/** What does not go with the column: keys that reference it, then what they may reference. */
function goingFirst(carried: readonly TwinnedObject[]): TwinnedObject[] {
  const places = new Map<string, number>(KINDS.map(({ name }, place) => [name, place]));
  return carried
    .filter(({ kind }) => twinnedKind(kind).goes === 'before the column')
    .sort((a, b) => (places.get(b.kind) ?? 0) - (places.get(a.kind) ?? 0));
}

/** Makes the primary key from the index that phase 1 has built for it, where it still is on one of the columns. */
export async function movePrimaryKey(
  knex: Knex,
  { on, twin, ...key }: CarriedPrimaryKey & { readonly on: string },
  columns: readonly string[],
): Promise<void> {
  if (!contextOf(knex).dryRun && !(await isKeyColumn(knex, on, key.name, columns))) {
    // Somebody has dropped the key meanwhile, or made it anew without the column: its index is not needed.
    const index = await qualifiedIndex(knex, on, twin);
    await execute(knex, `DROP INDEX IF EXISTS ${index}`);
    return;
  }
  await swapPrimaryKey(knex, { ...key, on, indexFor: twinIndexes(on, twin) });
}

/** What `--refresh`, or an index that came since, has added to the change since this migration was scaffolded. */
export function refreshedObjects(
  knex: Knex,
  { on, column, by }: Pick<ReplacedColumn, 'on' | 'column' | 'by'>,
): readonly CarriedObject[] {
  const rename = [...contextOf(knex).renames.values()].find(
    ({ table, from, to }) => quoteQualified(table) === on && from === column && to === by,
  );
  return rename?.refreshed ?? [];
}

/** What phase 3 frees of the old column follows now; what needs the primary key, or holds an upsert, is put aside with the others. */
async function refreshedDependents(
  knex: Knex,
  { on, column, by }: Replacement & Pick<ReplacedColumn, 'on'>,
  refreshed: readonly CarriedObject[],
): Promise<AsideObject[]> {
  if (refreshed.length === 0) return [];
  const bound = await dependentsOf(knex, on, column);
  const own = bound.filter(({ kind, name }) =>
    refreshed.some((object) => object.kind === kind && object.name === name),
  );
  const isFreedNow = ({ kind }: FoundDependent): boolean => boundKind(kind).freed === 'in phase 3';
  const objects = own.filter(isFreedNow).map(boundName);
  if (objects.length > 0) await rebindDependents(knex, { on, from: column, to: by, objects });
  const aside = own
    .filter((object) => !isFreedNow(object) && (object.needsPrimaryKey || object.upserts))
    .map((object) => ({ ...boundName(object), ...(object.waitsForKey ? { waits: true } : {}) }));
  const waiting = refreshed.filter(({ kind }) => isBoundName(kind) && boundKind(kind).waits === true);
  return [...aside, ...waiting.map(({ kind, name, on: table = on }) => ({ kind, name, on: table, waits: true }))];
}

/**
 * Drops a column that only the sync has used; nothing where it is gone. INSERT ... ON CONFLICT in functions and rules depends on every column of its
 * table, so these are put aside for a moment.
 */
export async function dropColumn(
  knex: Knex,
  { on, column }: { readonly on: string; readonly column: string },
): Promise<void> {
  if (!(await hasColumn(knex, on, column)) && !contextOf(knex).dryRun) return;
  const old = await ensureOldIsThere(knex, on, column);
  if (old !== null) await passSequences(knex, on, column, old);
  const dependents = (await dependentsOf(knex, on, column)).filter(({ upserts }) => upserts).map(boundName);
  await withDependentsAside(knex, { on, columns: [], dependents }, () => dropEverywhere(knex, on, column));
}

/** Sequences that somebody has given to a column would be dropped with it, also where no default uses them. */
async function passSequences(knex: Knex, on: string, from: string, to: string): Promise<void> {
  for (const sequence of await onConnection(knex, (db) => sequencesOf(db, on, from))) {
    await execute(knex, `ALTER SEQUENCE ${sequence} OWNED BY ${on}.${quoteIdent(to)}`);
  }
}

/**
 * Undoing the first phase drops the new column: with the old one gone it would take the only values along.
 * @returns the old one; null where the column is none of a rename, or that is not known.
 * @throws PH2011
 */
async function ensureOldIsThere(knex: Knex, on: string, column: string): Promise<string | null> {
  const rename = [...contextOf(knex).renames.values()].find(
    ({ table, to }) => quoteQualified(table) === on && to === column,
  );
  if (rename === undefined || contextOf(knex).dryRun) return null;
  if (await hasColumn(knex, on, rename.from)) return rename.from;
  const reason = `The column ${rename.from} is gone, and ${column} is the only one that holds its values.`;
  throw new PhaseError('PH2011', { id: rename.name, reason });
}

/** Undoes the renaming of `replaceColumn`, before the old column is there again: everything gets its twin's name back. */
export async function restoreTwinNames(
  knex: Knex,
  options: Omit<ReplacedColumn, 'primaryKey' | 'dependents'>,
): Promise<void> {
  const { on } = options;
  const refreshed = replacementsOf(options).flatMap((one) => refreshedObjects(knex, { on, ...one }));
  const objects = await stillOn(knex, on, [...options.carried, ...refreshed.filter(isTwinned)]);
  for (const object of objects) await giveTwinName(knex, on, object);
}
