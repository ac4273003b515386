import type { Knex } from 'knex';
import { nodesOf, treesOf } from '../catalog/sql-trees.ts';
import { onConnectionAsItIs, onConnection as onPinnedConnection } from '../postgres/knex.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { withLockRetries } from '../postgres/retry.ts';
import { pathOfEventTriggers, withOwnPathBehind } from '../postgres/session.ts';
import { contextOf } from './context.ts';

/**
 * Runs one statement of SQL that alters the schema, as it stands: in a migration that was scaffolded under our own search path, since PostgreSQL has printed
 * its names with their schemas, else under the one of the role. Outside a transaction it is retried by itself when it does not get its lock.
 * @throws PH4002 when it never does.
 */
export async function execute(knex: Knex, sql: string): Promise<void> {
  const run = (): Promise<void> => onItsConnection(knex, async (statement) => statement(sql));
  if (isTransaction(knex)) await run();
  else await retried(knex, sql, run);
}

/** Several of them, one after the other: within a transaction on its connection in one go, since there may be hundreds under a lock. */
export async function runAll(knex: Knex, statements: readonly string[]): Promise<void> {
  if (statements.length === 0) return;
  if (!isTransaction(knex)) {
    for (const statement of statements) await execute(knex, statement);
    return;
  }
  const sent = contextOf(knex).dryRun ? statements : await joined(statements);
  await onItsConnection(knex, async (run) => {
    for (const statement of sent) await run(statement);
  });
}

const STATEMENTS_A_MESSAGE = 100;

/** As many as one message takes, but for those in which functions of the application run. */
async function joined(statements: readonly string[]): Promise<string[]> {
  const messages: string[][] = [];
  let open: string[] | null = null;
  for (const statement of statements) {
    if (await runsOthers(statement)) {
      messages.push([statement]);
      open = null;
    } else if (open === null || open.length === STATEMENTS_A_MESSAGE) {
      open = [statement];
      messages.push(open);
    } else {
      open.push(statement);
    }
  }
  return messages.map((message) => message.join(';\n'));
}

/**
 * Lends a connection with the search path that statements of the migration are written for.
 * @param body gets what runs one of them on it, and the connection for what alters nothing.
 */
export function onItsConnection(
  knex: Knex,
  body: (statement: (sql: string) => Promise<void>, db: Queryable) => Promise<void>,
): Promise<void> {
  return onConnection(knex, (db) => {
    // None of these statements makes an event trigger, so that they are looked for once.
    let path: Promise<string | null> | undefined;
    return body(async (sql) => {
      if (await runsOthers(sql)) return withOwnPathBehind(db, () => send(db, sql));
      path ??= pathOfEventTriggers(db);
      await ((await path) === null ? send(db, sql) : withOwnPathBehind(db, () => send(db, sql)));
    }, db);
  });
}

async function send(db: Queryable, sql: string): Promise<void> {
  await db.query(sql);
}

/**
 * Whether functions of the application run in a statement: it names one, or a type with a schema of its own, or has rows looked at by what was
 * made before. Names in the statement itself are qualified.
 */
async function runsOthers(sql: string): Promise<boolean> {
  if (/\bVALIDATE CONSTRAINT\b|^\s*REFRESH\b/i.test(sql)) return true;
  const trees = await treesOf(sql).catch(() => []);
  const named = [
    ...nodesOf(trees, 'FuncCall').map(({ funcname }) => funcname),
    ...nodesOf(trees, 'TypeName').map(({ names }) => names),
  ];
  const names = named.map((name) => nodesOf(name, 'String').map(({ sval }) => sval));
  return names.some(([schema, ...rest]) => rest.length > 0 && schema !== 'pg_catalog');
}

/** Lends a connection of a knex. What a person wrote may name tables without their schema, and finds them by the path of the role. */
export function onConnection<T>(knex: Knex, body: (db: Queryable) => Promise<T>): Promise<T> {
  return (contextOf(knex).isScaffolded ? onPinnedConnection : onConnectionAsItIs)(knex, body);
}

/** Runs SQL as it stands, on such a connection. */
// biome-ignore lint/suspicious/noExplicitAny: rows are shaped by the statement next to the call
export function runSql<R = any>(knex: Knex, sql: string, values?: unknown[]): Promise<R[]> {
  return onConnection(knex, async (db) => (await all<R>(db, sql, values)) ?? []);
}

/**
 * Runs something in one transaction that is retried as a whole; in a transaction already, as a part of it.
 * @throws PH4002 when it never gets its locks.
 */
export async function atomically<T>(knex: Knex, body: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  if (isTransaction(knex)) return body(knex);
  const { lockTimeoutMs } = contextOf(knex).patience;
  return retried(knex, 'A transaction', () =>
    knex.transaction(async (trx) => {
      await runSql(trx, `SET LOCAL lock_timeout = ${lockTimeoutMs}`);
      return body(trx);
    }),
  );
}

export function isTransaction(knex: Knex): knex is Knex.Transaction {
  return knex.isTransaction === true;
}

async function retried<T>(knex: Knex, what: string, attempt: () => Promise<T>): Promise<T> {
  return withLockRetries(what, contextOf(knex).patience, { blockers: () => [] }, attempt);
}
