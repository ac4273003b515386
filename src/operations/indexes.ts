import type { Knex } from 'knex';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { onConnection, runSql } from '../postgres/knex.ts';
import { contextOf } from './context.ts';
import { execute } from './execute.ts';

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
}

/**
 * Builds an index without blocking writes; nothing when a valid one of that name is there already. An invalid one, left
 * by a build that failed, is dropped and built again: IF NOT EXISTS would take it for done. Outside a transaction, and
 * without a lock time-out, which would leave it invalid.
 */
export async function createIndex(knex: Knex, options: IndexOptions): Promise<void> {
  const { name, on, definition, unique, tablespace, comment, statistics } = options;
  const state = await indexState(knex, on, name);
  if (state === 'valid') return;
  if (state === 'invalid') await dropIndex(knex, { on, name });
  const build = `CREATE ${unique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY ${quoteIdent(name)} ON ${on} ${definition}`;
  await withoutLockTimeout(knex, tablespace, build);
  const qualified = await qualifiedIndex(knex, on, name);
  for (const [position, target] of Object.entries(statistics ?? {})) {
    await execute(knex, `ALTER INDEX ${qualified} ALTER COLUMN ${position} SET STATISTICS ${target}`);
  }
  if (comment !== undefined) await execute(knex, `COMMENT ON INDEX ${qualified} IS ${quoteLiteral(comment)}`);
}

/** Drops an index without blocking writes, where it is there. */
export async function dropIndex(
  knex: Knex,
  { on, name }: { readonly on: string; readonly name: string },
): Promise<void> {
  await withoutLockTimeout(
    knex,
    undefined,
    `DROP INDEX CONCURRENTLY IF EXISTS ${await qualifiedIndex(knex, on, name)}`,
  );
}

/** Settings and statement go to one connection of the pool, which gets its own settings back. */
async function withoutLockTimeout(knex: Knex, tablespace: string | undefined, statement: string): Promise<void> {
  await onConnection(knex, async (db) => {
    await db.query('SET lock_timeout = 0');
    if (tablespace !== undefined) await db.query(`SET default_tablespace = ${quoteLiteral(tablespace)}`);
    try {
      await db.query(statement);
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
     WHERE i.indrelid = to_regclass(${quoteLiteral(on)}) AND c.relname = ${quoteLiteral(name)}`,
  );
  return row === undefined ? 'absent' : row.valid ? 'valid' : 'invalid';
}

/** An index is in the schema of its table. */
async function qualifiedIndex(knex: Knex, on: string, name: string): Promise<string> {
  const [row] = await runSql<{ schema: string }>(
    knex,
    `SELECT quote_ident(n.nspname) AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = to_regclass(${quoteLiteral(on)})`,
  );
  return row === undefined ? quoteIdent(name) : `${row.schema}.${quoteIdent(name)}`;
}
