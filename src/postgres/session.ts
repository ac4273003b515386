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

/** Under it PostgreSQL prints every name with its schema. Source: https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH */
const QUALIFYING = 'pg_catalog';

/** Keeps, until the transaction ends, the search path that the session has without us. */
const OWN_PATH = 'triphase.own_path';

/**
 * Runs something under a search path with which PostgreSQL prints every name of the application with its schema, and gives
 * the transaction back its own.
 */
export async function underQualifiedNames<T>(db: Queryable, body: () => Promise<T>): Promise<T> {
  const path = await searchPath(db);
  if (path === QUALIFYING) return body();
  await setPath(db, QUALIFYING);
  await db.query(`SELECT pg_catalog.set_config($1, $2, true)`, [OWN_PATH, path]);
  const result = await body();
  await db.query(`SELECT pg_catalog.set_config($1, '', true)`, [OWN_PATH]);
  await setPath(db, path);
  return result;
}

/**
 * Runs a statement that alters the schema, from within `underQualifiedNames`. Event triggers of the application run with it,
 * and those without a search path of their own find their tables by the one of the session: it is there for them then,
 * behind pg_catalog.
 */
export async function withEventTriggers<T>(db: Queryable, statement: () => Promise<T>): Promise<T> {
  const { path } = await one<{ path: string | null }>(
    db,
    `SELECT NULLIF(pg_catalog.current_setting($1, true), '') AS path WHERE EXISTS (
       SELECT FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid WHERE e.evtenabled <> 'D'
         AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s(setting) WHERE s.setting LIKE 'search_path=%'))
     UNION ALL SELECT NULL LIMIT 1`,
    [OWN_PATH],
  );
  if (path === null) return statement();
  await setPath(db, `${QUALIFYING}, ${path}`);
  const result = await statement();
  await setPath(db, QUALIFYING);
  return result;
}

async function searchPath(db: Queryable): Promise<string> {
  const { path } = await one<{ path: string }>(db, `SELECT pg_catalog.current_setting('search_path') AS path`);
  return path;
}

/** @param path as PostgreSQL shows it. */
async function setPath(db: Queryable, path: string): Promise<void> {
  await db.query(`SET LOCAL search_path = ${path || "''"}`);
}
