import type pg from 'pg';
import { keptPlan } from './kept-plans.ts';

/** What runs SQL: a client, a pool, or the connection of a transaction. */
export interface Queryable {
  // biome-ignore lint/suspicious/noExplicitAny: rows are shaped by the statement next to the call, as in pg itself
  query<R = any>(text: string, values?: unknown[]): Promise<{ rows: R[]; rowCount: number | null }>;
}

/** The same where the schema is known that the ledger is in. */
export interface LedgerDb extends Queryable {
  readonly ledgerSchema: string;
}

/** The first row of a query that always gives one. */
export async function one<R>(db: Queryable, text: string, values?: unknown[]): Promise<R> {
  const [row] = await all<R>(db, text, values);
  if (row === undefined) throw new Error(`A query that gives one row gave none: ${text}`);
  return row;
}

/** All rows of a query. */
export async function all<R>(db: Queryable, text: string, values?: unknown[]): Promise<R[]> {
  const plan = keptPlan(db, text, values);
  return (await (plan === null ? db.query<R>(text, values) : (db as pg.Client).query<R & pg.QueryResultRow>(plan)))
    .rows;
}
