import { quoteQualified } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import type { CurrentRename } from './renames.ts';

/** Both columns of a rename, as results of queries and statements name them. */
export interface RenamedColumns extends CurrentRename {
  /** `oid.number` of the old and the new column, of the table and its partitions. */
  readonly old: ReadonlySet<string>;
  readonly new: ReadonlySet<string>;
  /** The table and its partitions. */
  readonly tables: readonly TableName[];
}

interface TableName {
  readonly schema: string;
  readonly name: string;
  /** Whether it is found by its name alone. */
  readonly isOnPath: boolean;
}

/**
 * A rename that is over may have left its names to others: it is under way as long as one of its triggers is there, or both columns of one of a
 * generated column, which has none.
 */
const COLUMNS = `
  WITH RECURSIVE family AS (
    SELECT to_regclass($1)::oid AS oid
    UNION SELECT i.inhrelid FROM family f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid)
  SELECT a.attname AS name, a.attrelid || '.' || a.attnum AS key,
    n.nspname AS schema, c.relname AS "table", pg_catalog.pg_table_is_visible(c.oid) AS "isOnPath"
  FROM family f
  JOIN pg_catalog.pg_class c ON c.oid = f.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid
  WHERE a.attname IN ($2, $3) AND NOT a.attisdropped
    AND (EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = to_regclass($1) AND t.tgname = ANY ($4::text[]))
      OR cardinality($4::text[]) = 0 AND (SELECT count(*) FROM pg_catalog.pg_attribute g
        WHERE g.attrelid = to_regclass($1) AND g.attname IN ($2, $3) AND g.attgenerated <> '' AND NOT g.attisdropped) = 2)`;

interface ColumnRow {
  readonly name: string;
  readonly key: string;
  readonly schema: string;
  readonly table: string;
  readonly isOnPath: boolean;
}

/** Those renames of which the old column is still there: for all others nothing has to be done. */
export async function renamedColumns(db: Queryable, renames: readonly CurrentRename[]): Promise<RenamedColumns[]> {
  const found: RenamedColumns[] = [];
  for (const current of renames) {
    const { table, from, to, sync } = current.rename;
    const rows = await all<ColumnRow>(db, COLUMNS, [quoteQualified(table), from, to, sync.triggers]);
    const old = rows.filter(({ name }) => name === from);
    const made = rows.filter(({ name }) => name === to);
    if (old.length === 0) continue;
    const tables = old.map(({ schema, table: name, isOnPath }) => ({ schema, name, isOnPath }));
    const keys = (columns: readonly ColumnRow[]) => new Set(columns.map(({ key }) => key));
    found.push({ ...current, old: keys(old), new: keys(made), tables });
  }
  return found;
}
