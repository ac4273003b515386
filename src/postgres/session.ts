import { one, type Queryable } from './queryable.ts';

/**
 * What a role, a database or the server may have set otherwise, and what a run would do otherwise by it. The search path is the role's own: migrations
 * of the application are written for it.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // How transactions are: a run writes, and each step sees what the one before has committed.
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // A backfill or an index may take hours, in one statement or between two of the connection that holds the lock.
  statement_timeout: '0',
  transaction_timeout: '0',
  idle_session_timeout: '0',
  // A transaction whose client says nothing holds locks that others wait for.
  idle_in_transaction_session_timeout: '5min',
  // The server ends the session of a client that its network has lost, where its own system would wait for hours.
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '30s',
  // Rows that a policy hides would be left out without a word.
  row_security: 'off',
  client_min_messages: 'warning',
  // How statements and values are read.
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  check_function_bodies: 'on',
  xmloption: 'content',
  // How values and definitions are printed, of which other texts are made.
  quote_all_identifiers: 'off',
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
};

/** Sets those that the server knows: some are younger than the oldest one. */
const setting = (isLocal: boolean): string => `SELECT pg_catalog.set_config(name, value, ${isLocal})
  FROM (VALUES ${Object.entries(SETTINGS)
    .map(([name, value]) => `('${name}', '${value}')`)
    .join(', ')}) AS wanted(name, value) WHERE pg_catalog.current_setting(name, true) IS NOT NULL`;

/**
 * Makes a connection that works for phase one like any other, whatever its role or database has set. Before its first statement, and never behind a
 * pooler, which would hand the session on to the application as it is.
 */
export async function prepareSession(db: Queryable, lockTimeoutMs: number): Promise<void> {
  await db.query(setting(false));
  await db.query(`SET lock_timeout = ${Math.round(lockTimeoutMs)}`);
  // A killed runner's statement ends by itself when its client is gone. Not on every platform of the server.
  await db.query(`SET client_connection_check_interval = '5s'`).catch(() => undefined);
}

/** Begins a transaction that is like any other, too, and leaves nothing behind in its session. */
export async function beginAsAlways(db: Queryable): Promise<void> {
  await db.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE');
  await db.query(setting(true));
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
