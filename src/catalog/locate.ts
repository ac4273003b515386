import type { QualifiedName } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** Numbers of a table and of two of its columns; null for what is not there. */
export async function locate(
  db: Queryable,
  table: QualifiedName,
  from: string,
  to: string,
): Promise<{ table: number | null; from: number | null; to: number | null }> {
  const [row] = await all<{ oid: string; from: number | null; to: number | null }>(
    db,
    `SELECT c.oid::int8::text AS oid,
       (SELECT attnum::int FROM pg_attribute WHERE attrelid = c.oid AND attname = $3 AND NOT attisdropped) AS "from",
       (SELECT attnum::int FROM pg_attribute WHERE attrelid = c.oid AND attname = $4 AND NOT attisdropped) AS "to"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [table.schema, table.name, from, to],
  );
  return { table: row ? Number(row.oid) : null, from: row?.from ?? null, to: row?.to ?? null };
}
