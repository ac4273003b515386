import { treeOf } from '../../catalog/tree.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { codeOf, sqlState } from '../../postgres/errors.ts';
import { sqlQualified } from '../../postgres/names.ts';
import { all, one, type Queryable } from '../../postgres/queryable.ts';

/** A table that holds rows itself: an ordinary table, or a leaf of a partitioned one. */
export interface Leaf {
  readonly oid: number;
  /** Qualified and quoted. */
  readonly name: string;
  /** Whether its rows lie in heap pages, so that ranges of `ctid` can be read. */
  readonly hasPages: boolean;
}

const TREE = `
  ${treeOf('$1::regclass::oid')}
  SELECT c.oid::int8::text AS oid, ${sqlQualified('n', 'c')} AS name, c.relkind::text AS kind, coalesce(a.amname = 'heap', false) AS "hasPages"
  FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am a ON a.oid = c.relam
  WHERE c.relkind <> 'p' ORDER BY c.oid = $1::regclass::oid DESC, 2`;

/**
 * The tables to walk for a table: itself, its partitions and its children, as they are now. `table` is quoted SQL.
 * @throws PH5013 when there is no such table, PH2017 for what cannot be walked.
 */
export async function leavesOf(db: Queryable, table: string): Promise<Leaf[]> {
  const rows = await all<{ oid: string; name: string; kind: string; hasPages: boolean }>(db, TREE, [table]).catch(
    (error) => {
      const isGone = codeOf(error) === sqlState.undefinedTable || codeOf(error) === sqlState.invalidSchemaName;
      throw isGone ? new PhaseError('PH5013', { table }, { cause: error }) : error;
    },
  );
  const other = rows.find(({ kind }) => kind !== 'r');
  if (other) throw new PhaseError('PH2017', { table: other.name, reason: KINDS[other.kind] ?? 'It is no table.' });
  return rows.map(({ oid, name, hasPages }) => ({ oid: Number(oid), name, hasPages }));
}

const KINDS: Readonly<Record<string, string>> = {
  f: 'It is a foreign table, whose rows are on another server.',
  v: 'It is a view.',
  m: 'It is a materialized view.',
};

/** Where a table's rows are on disk: a new file node (CLUSTER, VACUUM FULL) means that pages say nothing any more. */
export interface HeapPlace {
  readonly filenode: number;
  readonly pages: number;
}

/** Null when the table is gone. */
export async function heapPlace(db: Queryable, oid: number): Promise<HeapPlace | null> {
  const row = await one<{ filenode: string | null; pages: string | null }>(
    db,
    `SELECT pg_catalog.pg_relation_filenode($1::oid)::int8::text AS filenode,
       (pg_catalog.pg_relation_size($1::oid) / pg_catalog.current_setting('block_size')::int)::text AS pages`,
    [oid],
  );
  return row.filenode === null ? null : { filenode: Number(row.filenode), pages: Number(row.pages) };
}

/** A condition that is true for the rows in some heap pages, `[from, to)`. PostgreSQL reads only those pages. */
export function inPages(from: number, to: number): string {
  return `ctid >= '(${from},0)'::tid AND ctid < '(${to},0)'::tid`;
}
