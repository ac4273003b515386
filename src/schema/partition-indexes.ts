import { encodeId, type StableId } from '@supabase/pg-delta';
import { all, type Queryable } from '../postgres/queryable.ts';
import type { LeftOut } from './facts.ts';

/** An index of a partition that belongs to one of its table, and has a name that somebody chose. */
export interface PartitionIndex {
  /** The index of the table, as pg-delta encodes it. */
  readonly root: string;
  readonly create: string;
}

/** What PostgreSQL calls an index that it makes for a partition; longer names than a name can be it shortens. Of `c`, the partition, and `i`, the index. */
const USUAL_NAME = `c.relname || '_' || (SELECT string_agg(coalesce(a.attname, 'expr'), '_' ORDER BY k.place)
  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0
  WHERE k.place <= i.indnatts) || '_idx'`;

/** pg-delta leaves the indexes of partitions to PostgreSQL, which gives them names of its own: these have others. Those furthest below come first. */
export async function readPartitionIndexes(db: Queryable, { schemas, relations }: LeftOut): Promise<PartitionIndex[]> {
  const rows = await all<{ root: StableId; create: string }>(
    db,
    `SELECT jsonb_build_object('kind', 'index', 'schema', rn.nspname, 'name', rx.relname) AS root, pg_get_indexdef(x.oid) AS "create"
     FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_class rx ON rx.oid = pg_partition_root(x.oid) JOIN pg_namespace rn ON rn.oid = rx.relnamespace
     WHERE x.relispartition AND n.nspname <> ALL ($1::text[]) AND n.nspname::text || '.' || c.relname::text <> ALL ($2::text[])
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x')) AND x.relname <> ${USUAL_NAME}
     ORDER BY (SELECT count(*) FROM pg_partition_ancestors(x.oid)) DESC, x.relname`,
    [[...schemas], [...relations]],
  );
  return rows.map(({ root, create }) => ({ root: encodeId(root), create }));
}
