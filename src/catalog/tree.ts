import type { QualifiedName } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** A table, or one of its partitions at any level, that has the column. */
export interface TreeMember extends QualifiedName {
  readonly oid: number;
  /** r: holds rows; p: is partitioned itself; f: a foreign table. */
  readonly kind: 'r' | 'p' | 'f';
  /** The column's number, which may differ from partition to partition. */
  readonly column: number;
  readonly root: boolean;
}

/** SQL for the numbers of a table and of all its partitions. `$1` is the table. */
export const TREE = `WITH RECURSIVE tree(oid) AS (
    SELECT $1::oid
    UNION ALL
    SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition)`;

/** The table first, then its partitions by name; only those that have the column. */
export async function readTree(db: Queryable, table: number, column: string): Promise<TreeMember[]> {
  const rows = await all<Omit<TreeMember, 'oid'> & { oid: string }>(
    db,
    `${TREE}
     SELECT c.oid::int8::text AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, a.attnum::int AS column, c.oid = $1::oid AS root
     FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $2 AND NOT a.attisdropped
     ORDER BY c.oid <> $1::oid, n.nspname, c.relname`,
    [table, column],
  );
  return rows.map((row) => ({ ...row, oid: Number(row.oid) }));
}
