import type { Knex } from 'knex';
import { onConnection, runSql } from '../postgres/knex.ts';
import { withLockRetries } from '../postgres/retry.ts';
import { withEventTriggers } from '../postgres/session.ts';
import { contextOf } from './context.ts';

/**
 * Runs one statement of SQL that alters the schema, as it stands. Outside a transaction it is retried by itself when it does not get its lock.
 * @throws PH4002 when it never does.
 */
export async function execute(knex: Knex, sql: string): Promise<void> {
  if (isTransaction(knex)) await onConnection(knex, (db) => withEventTriggers(db, () => db.query(sql)));
  else await retried(knex, sql, () => runSql(knex, sql));
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
