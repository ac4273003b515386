import type { Queryable } from '../postgres/queryable.ts';
import { all, one } from '../postgres/queryable.ts';

/** A table that holds rows itself: an ordinary table, or a leaf of a partitioned one. */
export interface Leaf {
  readonly oid: number;
  /** Qualified and quoted. */
  readonly name: string;
}

/** The tables to walk for a table: itself, or its leaves as they are now. `table` is quoted SQL. */
export async function leavesOf(db: Queryable, table: string): Promise<Leaf[]> {
  const rows = await all<{ oid: string; name: string }>(
    db,
    `SELECT c.oid::int8::text AS oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
     FROM pg_partition_tree($1::regclass) AS t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE t.isleaf AND c.relkind = 'r'
     UNION
     SELECT c.oid::int8::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname)
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass AND c.relkind = 'r'
     ORDER BY 2`,
    [table],
  );
  return rows.map(({ oid, name }) => ({ oid: Number(oid), name }));
}

/** Where a table's rows are on disk: a new file node (CLUSTER, VACUUM FULL) means that pages say nothing any more. */
export interface HeapPlace {
  readonly filenode: number;
  readonly pages: number;
}

/** Null when the table is gone. */
export async function heapPlace(db: Queryable, oid: number): Promise<HeapPlace | null> {
  const row = await one<{ filenode: string | null; pages: string | null }>(
    db,
    `SELECT pg_relation_filenode($1::oid)::int8::text AS filenode,
       (pg_relation_size($1::oid) / current_setting('block_size')::int)::text AS pages`,
    [oid],
  );
  return row.filenode === null ? null : { filenode: Number(row.filenode), pages: Number(row.pages) };
}

/** A condition that is true for the rows in some heap pages, `[from, to)`. PostgreSQL reads only those pages. */
export function inPages(from: number, to: number): string {
  return `ctid >= '(${from},0)'::tid AND ctid < '(${to},0)'::tid`;
}
