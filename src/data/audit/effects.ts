import { holdsLedger } from '../../domain/ledger-schema.ts';
import type { Written } from '../../ledger/audits.ts';
import { sqlQualified } from '../../postgres/names.ts';
import { all, one, type Queryable } from '../../postgres/queryable.ts';

/**
 * What the transaction has written so far, by table: also what keys and triggers have. Not our own ledger, nor temporary tables.
 * Source: https://www.postgresql.org/docs/current/monitoring-stats.html, pg_stat_xact_all_tables.
 */
export async function writtenSoFar(db: Queryable): Promise<Map<string, Written>> {
  const rows = await all<Written>(
    db,
    `SELECT ${sqlQualified('n', 'c')} AS table, pg_catalog.sum(s.n_tup_ins)::float8 AS inserted,
       pg_catalog.sum(s.n_tup_upd)::float8 AS updated, pg_catalog.sum(s.n_tup_del)::float8 AS deleted
     FROM pg_catalog.pg_stat_xact_all_tables s
     JOIN pg_catalog.pg_class c ON c.oid = coalesce(pg_catalog.pg_partition_root(s.relid::regclass)::oid, s.relid)
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND NOT ${holdsLedger('n.oid')} GROUP BY 1`,
  );
  return new Map(rows.map((row) => [row.table, row]));
}

/** Whether the server counts at all: without it nothing seems to be written. */
export async function isCounting(db: Queryable): Promise<boolean> {
  const { on } = await one<{ on: string }>(db, `SELECT pg_catalog.current_setting('track_counts') AS "on"`);
  return on === 'on';
}

/** What was written between two looks. */
export function writtenBetween(before: ReadonlyMap<string, Written>, after: ReadonlyMap<string, Written>): Written[] {
  return [...after.values()]
    .map((row) => {
      const { inserted = 0, updated = 0, deleted = 0 } = before.get(row.table) ?? {};
      return {
        table: row.table,
        inserted: row.inserted - inserted,
        updated: row.updated - updated,
        deleted: row.deleted - deleted,
      };
    })
    .filter((row) => row.inserted + row.updated + row.deleted > 0);
}

/** In words, such as `public.posts (5 deleted)`. */
export function inWords(written: readonly Written[]): string {
  return written
    .map(({ table, ...counts }) => {
      const parts = Object.entries(counts).filter(([, rows]) => rows > 0);
      return `${table} (${parts.map(([what, rows]) => `${rows} ${what}`).join(', ')})`;
    })
    .join(', ');
}
