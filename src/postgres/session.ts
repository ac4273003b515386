import type pg from 'pg';
import { makeOwn, type OwnSession } from './own-session.ts';
import { one, type Queryable } from './queryable.ts';

/**
 * What a role, a database or the server may have set otherwise, and what a run would do otherwise by it. Of the search path see `prepareSession`.
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
 * The search path of what we send ourselves. Nobody but a superuser creates anything there, so that no function or operator that
 * somebody made is taken for PostgreSQL's own; and under it PostgreSQL prints every name of the application with its schema.
 * Source: https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH
 */
const PINNED = 'pg_catalog';

/** Keeps the search path that the session has without us; empty while that is in force. */
const OWN_PATH = 'triphase.own_path';

/** Connections that have our path now: only what is here gives and takes it, so that nobody has to ask. */
const pinnedNow = new WeakSet<Queryable>();

/**
 * Makes a connection that works for phase one like any other, whatever its role or database has set, or the
 * application's own function for new connections. Before its first statement, and never behind a
 * pooler, which would hand the session on to the application as it is.
 * @param names whose search path the session has: that of the role, for what the application's migrations send, or ours.
 */
export async function prepareSession(
  db: Queryable & { readonly own: OwnSession },
  lockTimeoutMs: number,
  names: 'own' | 'pinned',
): Promise<void> {
  await makeOwn(db, db.own);
  await db.query(setting(false));
  await db.query(`SET lock_timeout = ${Math.round(lockTimeoutMs)}`);
  // A killed runner's statement ends by itself when its client is gone. Not on every platform of the server.
  await db.query(`SET client_connection_check_interval = '5s'`).catch(() => undefined);
  if (names === 'pinned') await pin(db);
}

/** Begins a transaction that is like any other, too, and leaves nothing behind in its session. */
export async function beginAsAlways(db: Queryable): Promise<void> {
  await db.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE');
  await db.query(setting(true));
}

/** A connection that has its own way to run something under another search path: one that only writes down what it is sent. */
export interface PathKeeper {
  withPinnedPath<T>(body: () => Promise<T>): Promise<T>;
}

/**
 * Runs something under our own search path, and gives the session back the one that it had: in a transaction for as long as that lasts.
 */
export async function underQualifiedNames<T>(db: Queryable, body: () => Promise<T>): Promise<T> {
  if (isPathKeeper(db)) return db.withPinnedPath(body);
  if (pinnedNow.has(db)) return body();
  const path = await pin(db, isInTransaction(db));
  return thenBack(db, body, { path, own: '' });
}

/** Runs what the application wrote under the search path of the role, on a session that has ours. */
export async function underOwnNames<T>(db: Queryable, body: () => Promise<T>): Promise<T> {
  const own = await unpin(db);
  return own === null ? body() : thenBack(db, body, { path: PINNED, own });
}

/** Gives a session of ours the search path of the role. @returns it; null where the session has it already. */
export async function unpin(db: Queryable): Promise<string | null> {
  if (!pinnedNow.has(db)) return null;
  const { own } = await one<{ own: string }>(db, `SELECT pg_catalog.current_setting('${OWN_PATH}') AS own`);
  await setPaths(db, { path: own, own: '' });
  return own;
}

/**
 * Runs a statement that alters the schema, from within `underQualifiedNames`. Event triggers of the application run with it,
 * and those without a search path of their own find their tables by the one of the session: it is there for them then,
 * behind pg_catalog.
 */
export async function withEventTriggers<T>(db: Queryable, statement: () => Promise<T>): Promise<T> {
  return (await pathOfEventTriggers(db)) === null ? statement() : withOwnPathBehind(db, statement);
}

/** The path of the session that event triggers need while a statement alters the schema; null where there is none that does, or the path is in force. */
export async function pathOfEventTriggers(db: Queryable): Promise<string | null> {
  if (!pinnedNow.has(db)) return null;
  const { path } = await one<{ path: string | null }>(
    db,
    `SELECT NULLIF(pg_catalog.current_setting($1, true), '') AS path WHERE EXISTS (
       SELECT FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid WHERE e.evtenabled <> 'D'
         AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS s(setting) WHERE s.setting LIKE 'search_path=%'))
     UNION ALL SELECT NULL LIMIT 1`,
    [OWN_PATH],
  );
  return path;
}

/**
 * Runs a statement in which functions of the application run, from within `underQualifiedNames`: what their bodies name without a schema is found by the
 * path of the role, behind pg_catalog.
 */
export async function withOwnPathBehind<T>(db: Queryable, statement: () => Promise<T>): Promise<T> {
  if (!pinnedNow.has(db)) return statement();
  const { own } = await one<{ own: string }>(db, `SELECT pg_catalog.current_setting('${OWN_PATH}') AS own`);
  await setPaths(db, { path: `${PINNED}, ${own}`, own });
  return thenBack(db, statement, { path: PINNED, own });
}

/** Gives a session our path, or a transaction of it, and keeps the one that was there. @returns the latter, as PostgreSQL shows it. */
export async function pin(db: Queryable, isLocal = false): Promise<string> {
  const { path } = await one<{ path: string }>(
    db,
    `SELECT path, pg_catalog.set_config('${OWN_PATH}', path, ${isLocal}), pg_catalog.set_config('search_path', '${PINNED}', ${isLocal})
     FROM (SELECT pg_catalog.current_setting('search_path') AS path OFFSET 0) AS before`,
  );
  pinnedNow.add(db);
  return path;
}

interface Paths {
  /** In force. */
  readonly path: string;
  /** What is kept. */
  readonly own: string;
}

async function setPaths(db: Queryable, { path, own }: Paths): Promise<void> {
  await db.query(`SELECT pg_catalog.set_config('search_path', $1, $3), pg_catalog.set_config('${OWN_PATH}', $2, $3)`, [
    path,
    own,
    isInTransaction(db),
  ]);
  note(db, own);
}

/** A path that is kept is one that is not in force. */
function note(db: Queryable, own: string): void {
  if (own !== '') pinnedNow.add(db);
  else pinnedNow.delete(db);
}

/** Where a statement has failed in a transaction, the rollback brings the path back. */
async function thenBack<T>(db: Queryable, body: () => Promise<T>, paths: Paths): Promise<T> {
  const back = (): Promise<void> => setPaths(db, paths);
  try {
    const result = await body();
    await back();
    return result;
  } catch (error) {
    if (hasFailed(db)) note(db, paths.own);
    else await back().catch(() => note(db, paths.own));
    throw error;
  }
}

/** As the server has said behind its last answer: T in a transaction, E in one that has failed. */
function statusOf(db: Queryable): string | null {
  return (db as Partial<pg.Client>).getTransactionStatus?.() ?? null;
}

/** As the server has said behind its last answer; false where nobody has kept that. */
export const isWithinTransaction = (db: Queryable): boolean => ['T', 'E'].includes(statusOf(db) ?? '');
const isInTransaction = (db: Queryable): boolean => statusOf(db) !== 'I';
const hasFailed = (db: Queryable): boolean => statusOf(db) === 'E';

function isPathKeeper(db: object): db is PathKeeper {
  return 'withPinnedPath' in db;
}
