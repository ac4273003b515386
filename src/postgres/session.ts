import { one, type Queryable } from './queryable.ts';

/** Set on each connection that works for phase, before its first statement. */
export async function prepareSession(db: Queryable, lockTimeoutMs: number): Promise<void> {
  await db.query(`
    SET lock_timeout = ${Math.round(lockTimeoutMs)};
    SET statement_timeout = 0;
    SET idle_in_transaction_session_timeout = 0;
    SET row_security = off;
    SET client_min_messages = warning;
  `);
  // A killed runner's statement ends by itself when its client is gone. Not on every platform of the server.
  await db.query(`SET client_connection_check_interval = '5s'`).catch(() => undefined);
}

/**
 * Makes PostgreSQL print every name with its schema.
 * Source: https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH
 */
export async function printQualified(db: Queryable): Promise<void> {
  await db.query(`SET LOCAL search_path = pg_catalog`);
}

/** Runs something under that search path, in a transaction, and gives it back its own. */
export async function underQualifiedNames<T>(db: Queryable, body: () => Promise<T>): Promise<T> {
  const { path } = await one<{ path: string }>(db, `SELECT pg_catalog.current_setting('search_path') AS path`);
  await printQualified(db);
  const result = await body();
  await db.query(`SELECT pg_catalog.set_config('search_path', $1, true)`, [path]);
  return result;
}
