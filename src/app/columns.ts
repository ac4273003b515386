import { quoteQualified } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import type { CurrentRename } from './renames.ts';

/** Both columns of a rename, as results of queries name them: by the table's OID and the column's number. */
export interface RenamedColumns extends CurrentRename {
  /** `oid.number` of the old and the new column, of the table and its partitions. */
  readonly old: ReadonlySet<string>;
  readonly new: ReadonlySet<string>;
}

const COLUMNS = `
  WITH RECURSIVE family AS (
    SELECT to_regclass($1)::oid AS oid
    UNION SELECT i.inhrelid FROM family f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid)
  SELECT a.attname AS name, a.attrelid || '.' || a.attnum AS key
  FROM family f JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid
  WHERE a.attname IN ($2, $3) AND NOT a.attisdropped`;

/** Those renames of which the old column is still there: for all others nothing has to be done. */
export async function renamedColumns(db: Queryable, renames: readonly CurrentRename[]): Promise<RenamedColumns[]> {
  const found: RenamedColumns[] = [];
  for (const current of renames) {
    const { table, from, to } = current.rename;
    const rows = await all<{ name: string; key: string }>(db, COLUMNS, [quoteQualified(table), from, to]);
    const keys = (column: string) => new Set(rows.filter(({ name }) => name === column).map(({ key }) => key));
    if (keys(from).size > 0) found.push({ ...current, old: keys(from), new: keys(to) });
  }
  return found;
}
