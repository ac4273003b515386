import { all, type Queryable } from '../postgres/queryable.ts';

/** A setting of a migration's own transaction: one that the migration has begun itself does not have it. */
export const MARK = 'triphase.transaction';

/** Whether a statement runs in a transaction that bears a mark, in SQL, whatever the search path. */
export const bearsMark = (mark: string): string =>
  `pg_catalog.current_setting('${MARK}', true) OPERATOR(pg_catalog.=) ${mark}::pg_catalog.text`;

/** The number of a transaction that bears a mark; null of any other. */
export async function markedTransaction(db: Queryable, mark: string): Promise<string | null> {
  const sql = `SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text AS number WHERE ${bearsMark('$1')}`;
  return (await all<{ number: string }>(db, sql, [mark]))[0]?.number ?? null;
}
