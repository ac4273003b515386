import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** A column as the catalogue has it. */
export interface NumberedColumn {
  readonly name: string;
  readonly number: number;
  /** As PostgreSQL prints it, with its collation where that is not the type's own. */
  readonly type: string;
  /** Of its own, as PostgreSQL prints it; not there in what was recorded before it was kept. */
  readonly default?: string | null;
}

const COLUMNS = (table: string): string => `
  SELECT a.attname AS name, a.attnum::int AS number, format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> t.typcollation
      THEN ' COLLATE ' || quote_ident(n.nspname) || '.' || quote_ident(co.collname) ELSE '' END AS type, pg_get_expr(d.adbin, d.adrelid) AS "default"
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = co.collnamespace
  WHERE a.attrelid = ${table} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;

/** The columns of a table by its name, and its number; null where it is not there. Under qualified names. */
export async function columnsOfTable(
  db: Queryable,
  table: QualifiedName,
): Promise<{ readonly oid: number; readonly columns: readonly NumberedColumn[] } | null> {
  const [row] = await all<{ oid: string }>(
    db,
    'SELECT c.oid::int8::text AS oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2',
    [table.schema, table.name],
  );
  return row === undefined
    ? null
    : { oid: Number(row.oid), columns: await all<NumberedColumn>(db, COLUMNS('$1::oid'), [row.oid]) };
}

/** The same by its number: what the table is called now, and its columns. */
export async function columnsOfNumber(
  db: Queryable,
  oid: number,
): Promise<{ readonly table: string; readonly columns: readonly NumberedColumn[] } | null> {
  const [row] = await all<{ schema: string; name: string }>(
    db,
    'SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid',
    [oid],
  );
  return row === undefined
    ? null
    : { table: quoteQualified(row), columns: await all<NumberedColumn>(db, COLUMNS('$1::oid'), [oid]) };
}
