import { type QualifiedName, quoteIdent } from '../domain/identifier.ts';
import { reasonOf } from '../postgres/errors.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { inSavepoint } from '../postgres/transaction.ts';

/** A column that a foreign key joins to another one. */
export interface JoinedColumn extends QualifiedName {
  readonly oid: number;
  readonly column: string;
  readonly type: string;
  /** The foreign key, and the table that has it. */
  readonly key: string;
  /** Whether it references the other one, and is not referenced by it. */
  readonly references: boolean;
}

/** Columns that foreign keys join to a column, on either side. */
export function joinedColumns(db: Queryable, table: number, column: string): Promise<JoinedColumn[]> {
  return all<Omit<JoinedColumn, 'oid'> & { oid: string }>(db, JOINED, [table, column]).then((rows) =>
    rows.map((row) => ({ ...row, oid: Number(row.oid) })),
  );
}

const JOINED = `
  WITH keys AS (
    SELECT co.conname, co.conrelid, co.confrelid, k.own, k.referenced FROM pg_catalog.pg_constraint co
    CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(co.conkey), pg_catalog.unnest(co.confkey)) AS k(own, referenced)
    WHERE co.contype = 'f' AND co.conparentid = 0 AND $1::oid IN (co.conrelid, co.confrelid)),
  joined AS (
    SELECT keys.conname, keys.conrelid AS rel, keys.own AS number, true AS references FROM keys
      JOIN pg_catalog.pg_attribute a ON a.attrelid = keys.confrelid AND a.attnum = keys.referenced WHERE keys.confrelid = $1::oid AND a.attname = $2
    UNION ALL
    SELECT keys.conname, keys.confrelid, keys.referenced, false FROM keys
      JOIN pg_catalog.pg_attribute a ON a.attrelid = keys.conrelid AND a.attnum = keys.own WHERE keys.conrelid = $1::oid AND a.attname = $2)
  SELECT c.oid::int8::text AS oid, n.nspname AS schema, c.relname AS name, a.attname AS column, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
    joined.conname AS key, joined.references
  FROM joined JOIN pg_catalog.pg_class c ON c.oid = joined.rel JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = joined.rel AND a.attnum = joined.number
  ORDER BY 2, 3, 4`;

/** Columns that reference one, and those that reference these, each once; those that are of the type already have no need of it. */
export async function referencingColumns(
  db: Queryable,
  table: number,
  column: string,
  type: string,
): Promise<JoinedColumn[]> {
  const found = new Map<string, JoinedColumn>();
  const queue = [{ oid: table, column }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const joined of await joinedColumns(db, next.oid, next.column)) {
      const key = `${joined.oid} ${joined.column}`;
      const isStart = joined.oid === table && joined.column === column;
      if (!joined.references || joined.type === type || isStart || found.has(key)) continue;
      found.set(key, joined);
      queue.push(joined);
    }
  }
  return [...found.values()];
}

/** Why PostgreSQL lets no foreign key join columns of two types; null where it does. */
export function whyNotJoined(db: Queryable, referencing: string, referenced: string): Promise<string | null> {
  const make = async (): Promise<void> => {
    await db.query(`CREATE TEMPORARY TABLE triphase_key (a ${referenced} UNIQUE)`);
    await db.query(`CREATE TEMPORARY TABLE triphase_reference (b ${referencing} REFERENCES pg_temp.triphase_key (a))`);
    await db.query('DROP TABLE pg_temp.triphase_reference, pg_temp.triphase_key');
  };
  return inSavepoint(db, make).then(
    () => null,
    (error: unknown) => reasonOf(error),
  );
}

/** As messages name it. */
export const inWordsOf = ({ schema, name, column }: JoinedColumn): string =>
  `${quoteIdent(schema)}.${quoteIdent(name)}.${quoteIdent(column)}`;
