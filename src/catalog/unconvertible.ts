import { dollarTag, type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { type Conversion, converted, differs, type Retype } from '../domain/rename.ts';
import { one, type Queryable } from '../postgres/queryable.ts';

const SHOWN = 10;

/** Rows whose value has no counterpart, or another one on the way back. */
export interface Unconvertible {
  readonly rows: number;
  /** The keys of some of them, with what PostgreSQL says. */
  readonly examples: readonly string[];
}

/** A column, its type, and what is computed of it. */
interface Tried {
  readonly column: string;
  readonly from: string;
  readonly to: string;
  readonly conversion: Conversion;
  /** Whether NULL is no result of a value. */
  readonly notNull: boolean;
  /** Which rows of `t`, as SQL; all where it is left out. */
  readonly where?: string;
}

/**
 * Tries a conversion on every row of a table, in a transaction that is rolled back: what is tried is a function of this session alone. Under qualified names.
 * @returns rows that it has no result for.
 */
export function findUnconvertible(
  db: Queryable,
  table: QualifiedName,
  { column, from, to, conversion, notNull, where = 'true' }: Tried,
): Promise<Unconvertible> {
  const isLost = notNull ? 'result IS NOT DISTINCT FROM NULL' : 'false';
  const body = `DECLARE result ${to}; BEGIN
    result := ${converted(conversion, 'value')};
    RETURN CASE WHEN ${isLost} THEN 'it becomes NULL, and the column is NOT NULL' END;
  EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END`;
  return rowsWithReason(db, table, { inputs: [{ argument: 'value', column, type: from }], body, where });
}

/** The same there and back. @returns rows that come back as another value, or not at all. */
export function findLosses(
  db: Queryable,
  table: QualifiedName,
  {
    column,
    from,
    retype,
    byteEqual,
  }: { readonly column: string; readonly from: string; readonly retype: Retype; readonly byteEqual: boolean },
): Promise<Unconvertible> {
  const body = `DECLARE there ${retype.type}; again ${from}; BEGIN
    there := ${converted(retype.forward, 'value')};
    again := ${converted(retype.back, 'there')};
    RETURN CASE WHEN ${differs('again', 'value', byteEqual)} THEN pg_catalog.concat(value::text, ' comes back as ', coalesce(again::text, 'NULL')) END;
  EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END`;
  return rowsWithReason(db, table, { inputs: [{ argument: 'value', column, type: from }], body, where: 'true' });
}

/** A column as an argument of the function that is tried. */
interface Input {
  readonly argument: string;
  readonly column: string;
  readonly type: string;
}

/** Rows for which a function of some columns has something to say. @param body in plpgsql, of the arguments. */
export async function rowsWithReason(
  db: Queryable,
  table: QualifiedName,
  { inputs, body, where }: { readonly inputs: readonly Input[]; readonly body: string; readonly where: string },
): Promise<Unconvertible> {
  const name = 'pg_temp.triphase_try';
  const tag = dollarTag(body);
  const types = inputs.map(({ argument, type }) => `${argument} ${type.replace(/ COLLATE .*$/, '')}`);
  const values = inputs.map(({ column }) => `t.${quoteIdent(column)}`);
  await db.query(
    `CREATE FUNCTION ${name}(${types.join(', ')}) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS ${tag}${body}${tag}`,
  );
  const { rows, examples } = await one<{ rows: string; examples: string[] | null }>(
    db,
    `SELECT pg_catalog.count(*)::text AS rows, pg_catalog.array_agg(example) FILTER (WHERE number <= ${SHOWN}) AS examples FROM (
       SELECT ${await keyOf(db, table)} || ': ' || tried.reason AS example, pg_catalog.row_number() OVER () AS number
       FROM ${quoteQualified(table)} AS t, LATERAL (SELECT ${name}(${values.join(', ')}) AS reason OFFSET 0) AS tried
       WHERE (${where}) AND tried.reason IS NOT NULL) AS failing`,
  );
  await db.query(`DROP FUNCTION ${name}`);
  return { rows: Number(rows), examples: examples ?? [] };
}

/** SQL that tells a row of `t`, by its primary key where there is one. */
async function keyOf(db: Queryable, table: QualifiedName): Promise<string> {
  const { columns } = await one<{ columns: string[] }>(
    db,
    `SELECT ARRAY(SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
       JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
       WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisprimary ORDER BY k.place) AS columns`,
    [quoteQualified(table)],
  );
  const values = columns.length === 0 ? ['t.ctid::text'] : columns.map((name) => `t.${name}::text`);
  return `pg_catalog.concat_ws(', ', ${values.join(', ')})`;
}
