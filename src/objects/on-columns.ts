import { all, type Queryable } from '../postgres/queryable.ts';
import { check } from './constraints/check.ts';
import { index } from './indexes/index.ts';

/** A column of a table, by their numbers. */
export interface ColumnPlace {
  readonly table: number;
  readonly column: number;
}

/** An index or a check on a column. */
export interface ObjectOnColumn extends ColumnPlace {
  readonly oid: number;
  /** The name of its kind. */
  readonly kind: string;
  readonly name: string;
}

/**
 * Indexes and checks on columns of tables, of their partitions and children: all that are asked for at once, since each step of a migration asks. Indexes
 * of constraints and of parents' indexes are left out.
 */
export async function objectsOnColumns(db: Queryable, columns: readonly ColumnPlace[]): Promise<ObjectOnColumn[]> {
  if (columns.length === 0) return [];
  const rows = await all<{ table: string; column: number; kind: string; oid: string; name: string }>(
    db,
    `WITH RECURSIVE wanted(root, number) AS (SELECT DISTINCT root, number FROM unnest($1::oid[], $2::int[]) AS given(root, number)),
     tree(root, oid) AS (SELECT DISTINCT root, root FROM wanted UNION
       SELECT tree.root, i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree ON i.inhparent = tree.oid),
     named AS (SELECT w.root, w.number, tree.oid, a.attnum FROM wanted w JOIN tree ON tree.root = w.root
       JOIN pg_catalog.pg_attribute whole ON whole.attrelid = w.root AND whole.attnum = w.number
       JOIN pg_catalog.pg_attribute a ON a.attrelid = tree.oid AND a.attname = whole.attname)
     SELECT named.root::int8::text AS table, named.number AS column, '${index.name}' AS kind, c.oid::int8::text AS oid, c.relname AS name FROM named
     JOIN pg_catalog.pg_index i ON i.indrelid = named.oid AND i.indisvalid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint co WHERE co.conindid = c.oid AND co.contype IN ('p', 'u', 'x'))
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid)
       AND (named.attnum = ANY (i.indkey::int2[]) OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = named.attnum))
     UNION ALL
     SELECT named.root::int8::text, named.number, '${check.name}', co.oid::int8::text, co.conname FROM named
     JOIN pg_catalog.pg_constraint co ON co.conrelid = named.oid AND co.contype = 'c' AND named.attnum = ANY (co.conkey)`,
    [columns.map(({ table }) => table), columns.map(({ column }) => column)],
  );
  return rows.map((row) => ({ ...row, table: Number(row.table), oid: Number(row.oid) }));
}
