import type { Knex } from 'knex';
import { type Change, type Changes, syncsOf } from '../../domain/change.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { syncTriggers } from '../../domain/rename.ts';
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
export async function coverChildren(trx: Knex.Transaction, changes: Changes): Promise<CoveredChild[]> {
  const covered: CoveredChild[] = [];
  const db = await connectionOf(trx);
  const records = await readPairs(db);
  const parents = await parentsAmong(
    db,
    records.flatMap(({ rename }) => tablesOf(changes.get(rename))),
  );
  for (const { rename: name, phase } of records) {
    const change = changes.get(name);
    if (change === undefined) continue;
    for (const { table, sync } of syncsOf(change)) {
      const on = quoteQualified(table);
      if (!parents.has(on)) continue;
      const children = await triggerChildren(trx, on, syncTriggers(sync, phase));
      covered.push(...children.map((child) => ({ rename: name, child })));
    }
  }
  return covered;
}

const tablesOf = (change: Change | undefined): string[] =>
  change === undefined ? [] : syncsOf(change).map(({ table }) => quoteQualified(table));

/** Which of some tables have children by plain inheritance. */
async function parentsAmong(db: Queryable, tables: readonly string[]): Promise<Set<string>> {
  const rows = await all<{ on: string }>(
    db,
    `SELECT t."on" FROM pg_catalog.unnest($1::text[]) AS t("on") WHERE EXISTS (
       SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition WHERE i.inhparent = pg_catalog.to_regclass(t."on"))`,
    [tables],
  );
  return new Set(rows.map(({ on }) => on));
}
