import type { Knex } from 'knex';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { counterpartName, twinName } from '../domain/twin-name.ts';
import { qualifiedIndex as qualified } from '../objects/indexes/twins.ts';
import { contextOf } from './context.ts';
import { atomically, execute, onConnection, onItsConnection, runSql } from './execute.ts';
import { indexFamily } from './families.ts';
import { isOnLostPart } from './left.ts';
import { isPartitioned, leavesOf, partitionsOf } from './partitions.ts';

export interface IndexOptions {
  readonly name: string;
  /** The table, schema and name quoted. */
  readonly on: string;
  /** What follows the table in CREATE INDEX: `USING btree (email)`. */
  readonly definition: string;
  readonly unique?: boolean;
  readonly tablespace?: string;
  readonly comment?: string;
  /** Statistics targets of expression columns, by their position. */
  readonly statistics?: Readonly<Record<string, number>>;
  /** On a partitioned table: the index whose names on partitions this one's are derived from. */
  readonly like?: string;
  /** On a partitioned table: an index on each leaf and none on the table, as a primary key can be made from. */
  readonly leavesOnly?: boolean;
}

/**
 * Builds an index without blocking writes; nothing when a valid one of that name is there already. An invalid one, left
 * by a build that failed, is dropped and built again: IF NOT EXISTS would take it for done. Outside a transaction, and
 * without a lock time-out, which would leave it invalid. On a partitioned table, where PostgreSQL builds none
 * concurrently, it is built on each partition and attached; partitions that come meanwhile get it by themselves.
 */
export async function createIndex(knex: Knex, options: IndexOptions): Promise<void> {
  const { on, name, comment, leavesOnly } = options;
  if (await isOnLostPart(knex, options)) return;
  if (!(await isPartitioned(knex, on))) {
    await createPlainIndex(knex, options);
  } else if (leavesOnly) {
    const leaves = await leavesOf(knex, on);
    const names = await partNames(knex, options);
    for (const leaf of leaves) await createPlainIndex(knex, forPartition(options, leaf, names));
    return;
  } else {
    await createPartitionedIndex(knex, options);
  }
  const full = await qualifiedIndex(knex, on, name);
  for (const [position, target] of Object.entries(options.statistics ?? {})) {
    await execute(knex, `ALTER INDEX ${full} ALTER COLUMN ${position} SET STATISTICS ${target}`);
  }
  if (comment !== undefined) await execute(knex, `COMMENT ON INDEX ${full} IS ${quoteLiteral(comment)}`);
}

async function createPlainIndex(knex: Knex, { name, on, definition, unique, tablespace }: IndexOptions): Promise<void> {
  const state = await indexState(knex, on, name);
  if (state === 'valid') return;
  if (state === 'invalid') await dropIndex(knex, { on, name });
  const build = `CREATE ${unique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY ${quoteIdent(name)} ON ${on} ${definition}`;
  await withoutLockTimeout(knex, tablespace, build);
}

/** The table's own index is valid, by PostgreSQL's account, once each partition's is attached. */
async function createPartitionedIndex(knex: Knex, options: IndexOptions): Promise<void> {
  const { name, on, definition, unique, tablespace } = options;
  if ((await indexState(knex, on, name)) === 'absent') {
    await execute(knex, `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quoteIdent(name)} ON ONLY ${on} ${definition}`);
    if (tablespace !== undefined) {
      await execute(
        knex,
        `ALTER INDEX ${await qualifiedIndex(knex, on, name)} SET TABLESPACE ${quoteIdent(tablespace)}`,
      );
    }
  }
  await onEachPartition(knex, options, async (part, partitioned) => {
    await (partitioned ? createPartitionedIndex(knex, part) : createPlainIndex(knex, part));
  });
}

/** An index, or the constraint that it is of, on a table; on partitions by names that are derived from those of another. */
interface NamedOnParts {
  readonly on: string;
  readonly name: string;
  readonly like?: string;
}

/** Runs something for each partition whose index is not attached yet, with the options for it, and attaches that index. */
export async function onEachPartition<T extends NamedOnParts>(
  knex: Knex,
  options: T,
  make: (part: T, partitioned: boolean) => Promise<void>,
): Promise<void> {
  const { on, name } = options;
  // In this order: one that comes in between has its index by itself, and is not among them.
  const partitions = await partitionsOf(knex, on);
  const names = await partNames(knex, options);
  for (const partition of partitions) {
    const isAttached = names.own.has(partition.name);
    // A partition that is partitioned itself may be attached and yet lack some below it.
    if (isAttached && !partition.partitioned) continue;
    const part = forPartition(options, partition.name, names);
    await make(part, partition.partitioned);
    if (isAttached) continue;
    const [parent, child] = [await qualifiedIndex(knex, on, name), await qualifiedIndex(knex, part.on, part.name)];
    await execute(knex, `ALTER INDEX ${parent} ATTACH PARTITION ${child}`);
  }
}

/** What an index, and the one that its names are derived from, are called on partitions at any level: read once, since there may be hundreds. */
interface PartNames {
  readonly own: ReadonlyMap<string, string>;
  readonly like: ReadonlyMap<string, string>;
}

async function partNames(knex: Knex, { on, name, like }: NamedOnParts): Promise<PartNames> {
  const namesOf = async (index: string): Promise<Map<string, string>> =>
    new Map((await indexFamily(knex, on, index)).map((member) => [member.on, member.name]));
  return { own: await namesOf(name), like: like === undefined ? new Map() : await namesOf(like) };
}

/** The same options for a partition, with a name that is derived from its own index. */
function forPartition<T extends NamedOnParts>(options: T, partition: string, names: PartNames): T {
  const { comment: _, ...rest } = options as T & { comment?: string };
  const attached = names.own.get(partition);
  if (attached !== undefined) return { ...(rest as unknown as T), on: partition, name: attached };
  const counterpart = names.like.get(partition);
  const name = counterpartName(counterpart ?? null, partition, options.name);
  return {
    ...(rest as unknown as T),
    on: partition,
    name,
    ...(counterpart === undefined ? {} : { like: counterpart }),
  };
}

/**
 * Builds an index under another name first, so that there is one at any time, and gives it the name of one that goes. On a partitioned table, where those of
 * partitions have names of their own, it goes first.
 */
export async function replaceIndex(knex: Knex, options: IndexOptions): Promise<void> {
  const { on, name } = options;
  if (await isPartitioned(knex, on)) {
    await dropIndex(knex, options);
    await createIndex(knex, options);
    return;
  }
  const built = twinName(`${name}_anew`);
  // A run that was killed has left its own.
  await dropIndex(knex, { on, name: built });
  await createIndex(knex, { ...options, name: built });
  const [old, fresh] = [await qualifiedIndex(knex, on, name), await qualifiedIndex(knex, on, built)];
  await atomically(knex, async (trx) => {
    await execute(trx, `DROP INDEX IF EXISTS ${old}`);
    await execute(trx, `ALTER INDEX ${fresh} RENAME TO ${quoteIdent(name)}`);
  });
}

/** Drops an index without blocking writes, where it is there; that of a partitioned table with those of its partitions. */
export async function dropIndex(
  knex: Knex,
  {
    on,
    name,
    like,
    leavesOnly,
  }: { readonly on: string; readonly name: string; readonly like?: string; readonly leavesOnly?: boolean },
): Promise<void> {
  if (!(await isPartitioned(knex, on))) {
    const statement = `DROP INDEX CONCURRENTLY IF EXISTS ${await qualifiedIndex(knex, on, name)}`;
    await withoutLockTimeout(knex, undefined, statement);
  } else if (leavesOnly) {
    const options = { on, name, ...(like === undefined ? {} : { like }) };
    const leaves = await leavesOf(knex, on);
    const names = await partNames(knex, options);
    for (const leaf of leaves) await dropIndex(knex, forPartition(options, leaf, names));
  } else {
    await execute(knex, `DROP INDEX IF EXISTS ${await qualifiedIndex(knex, on, name)}`);
  }
}

/** Settings and statement go to one connection of the pool, which gets its own settings back. */
async function withoutLockTimeout(knex: Knex, tablespace: string | undefined, statement: string): Promise<void> {
  await onItsConnection(knex, async (run, db) => {
    await db.query('SET lock_timeout = 0');
    if (tablespace !== undefined) await db.query(`SET default_tablespace = ${quoteLiteral(tablespace)}`);
    try {
      await run(statement);
    } finally {
      if (tablespace !== undefined) await db.query('RESET default_tablespace');
      await db.query(`SET lock_timeout = ${contextOf(knex).patience.lockTimeoutMs}`);
    }
  });
}

async function indexState(knex: Knex, on: string, name: string): Promise<'valid' | 'invalid' | 'absent'> {
  const [row] = await runSql<{ valid: boolean }>(
    knex,
    `SELECT i.indisvalid AND i.indisready AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = to_regclass($1) AND c.relname = $2`,
    [on, name],
  );
  return row === undefined ? 'absent' : row.valid ? 'valid' : 'invalid';
}

/** An index is in the schema of its table. */
export function qualifiedIndex(knex: Knex, on: string, name: string): Promise<string> {
  return onConnection(knex, (db) => qualified(db, on, name));
}
