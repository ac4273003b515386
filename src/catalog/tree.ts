import type { QualifiedName } from '../domain/identifier.ts';
import { sqlQualified } from '../postgres/names.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** A table, or one of its partitions or children at any level, that has the column. */
export interface TreeMember extends QualifiedName {
  readonly oid: number;
  /** r: holds rows; p: is partitioned itself; f: a foreign table. */
  readonly kind: 'r' | 'p' | 'f';
  /** The column's number, which may differ from table to table. */
  readonly column: number;
  readonly root: boolean;
}

/** SQL for the numbers of a table, of its partitions and of its children by plain inheritance, at any level. `root` is SQL for an oid. */
export function treeOf(root: string): string {
  return `WITH RECURSIVE tree(oid) AS (
    SELECT ${root}
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree ON i.inhparent = tree.oid)`;
}

/** The tree of the table `$1`. */
export const TREE = treeOf('$1::oid');

/** The table first, then the others by name; only those that have the column. */
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

/** Children of a table by plain inheritance, at any level, which have none of its row triggers. `table` is quoted SQL, and so are they. */
export async function childrenOf(db: Queryable, table: string): Promise<string[]> {
  const rows = await all<{ name: string }>(
    db,
    `${treeOf('pg_catalog.to_regclass($1)::oid')} SELECT ${sqlQualified('n', 'c')} AS name FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE NOT c.relispartition AND c.oid <> pg_catalog.to_regclass($1)::oid ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}
