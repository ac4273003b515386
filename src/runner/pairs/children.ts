import type { Knex } from 'knex';
import { quoteQualified } from '../../domain/identifier.ts';
import { type Rename, syncTriggers } from '../../domain/rename.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { triggerChildren } from '../../operations/children.ts';
import { connectionOf } from '../../postgres/knex.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';

/** A table that inherits a column which is being renamed, and got the sync's triggers. */
export interface CoveredChild {
  readonly rename: string;
  readonly child: string;
}

/** Children that have come to the tables of renames under way get the triggers of their sync, which PostgreSQL hands down to partitions only. */
export async function coverChildren(
  trx: Knex.Transaction,
  renames: ReadonlyMap<string, Rename>,
): Promise<CoveredChild[]> {
  const covered: CoveredChild[] = [];
  const db = await connectionOf(trx);
  const records = await readPairs(db);
  const parents = await parentsAmong(
    db,
    records.map(({ table }) => table),
  );
  for (const { rename: name, phase, table } of records) {
    const rename = renames.get(name);
    if (rename === undefined || !parents.has(table)) continue;
    const children = await triggerChildren(trx, quoteQualified(rename.table), syncTriggers(rename.sync, phase));
    covered.push(...children.map((child) => ({ rename: name, child })));
  }
  return covered;
}

/** Which of some tables, by their numbers, have children by plain inheritance. */
async function parentsAmong(db: Queryable, tables: readonly number[]): Promise<Set<number>> {
  const rows = await all<{ oid: string }>(
    db,
    `SELECT DISTINCT i.inhparent::int8::text AS oid FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition
     WHERE i.inhparent = ANY ($1::oid[])`,
    [tables],
  );
  return new Set(rows.map(({ oid }) => Number(oid)));
}
