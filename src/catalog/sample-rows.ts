import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { castType, hasWayBack, type MappedColumn, type Mapping, mapped } from '../domain/mapping.ts';
import type { Move } from '../domain/move.ts';
import { converted, type Rename, type Retype } from '../domain/rename.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** A value of a column as text, what it becomes, and what that comes back as. */
export interface SampleRow {
  readonly before: string;
  readonly after: string | null;
  readonly back: string | null;
}

const ROWS = 5;

/**
 * Some values of a column with both conversions of its change, different ones from the table's first rows: for people to see what they asked for. What has no new
 * value is not among them, it is refused before (PH2032). Under qualified names.
 */
export function sampleRows(
  db: Queryable,
  { table, from, type }: Pick<Rename, 'table' | 'from' | 'type'>,
  { type: next, forward, back }: Retype,
): Promise<SampleRow[]> {
  return all<SampleRow>(
    db,
    `SELECT before::text AS before, after::text AS after, CAST((${converted(back, 'after')}) AS ${type})::text AS back
     FROM (SELECT before, CAST((${converted(forward, 'before')}) AS ${next}) AS after
       FROM (SELECT DISTINCT ON (read::text) read AS before FROM (
         SELECT ${quoteIdent(from)} AS read FROM ${quoteQualified(table)} WHERE ${quoteIdent(from)} IS NOT NULL LIMIT 1000
       ) AS rows_read LIMIT ${ROWS}) AS distinct_values) AS with_next`,
  );
}

/** The same of a move: what a row holds, and what the one that belongs to it will. */
export function sampleMovedRows(db: Queryable, { table, from, toTable, via }: Move): Promise<SampleRow[]> {
  const keys = via.map(
    ({ target, source }) => `'${target.replaceAll("'", "''")} ' || coalesce(s.${quoteIdent(source)}::text, 'NULL')`,
  );
  const joined = via.map(({ target, source }) => `t.${quoteIdent(target)} = s.${quoteIdent(source)}`);
  const isThere = `EXISTS (SELECT FROM ${quoteQualified(toTable)} AS t WHERE ${joined.join(' AND ')})`;
  return all<SampleRow>(
    db,
    `SELECT s.${quoteIdent(from)}::text AS before, CASE WHEN ${isThere} THEN 'at ' || pg_catalog.concat_ws(', ', ${keys.join(', ')}) ELSE 'no row to go to' END AS after,
       s.${quoteIdent(from)}::text AS back
     FROM ${quoteQualified(table)} AS s WHERE s.${quoteIdent(from)} IS NOT NULL LIMIT ${ROWS}`,
  );
}

/** The same of a split or a merge: the values of a side beside each other. */
export function sampleMappedRows(db: Queryable, { table, old, fresh }: Mapping): Promise<SampleRow[]> {
  const names = (prefix: string, columns: readonly MappedColumn[]): string[] =>
    columns.map((_, at) => `${prefix}${at + 1}`);
  const values = (columns: readonly MappedColumn[], others: readonly string[]): string[] =>
    columns.map(({ value, type }) => (value === null ? 'NULL' : `CAST(${mapped(value, others)} AS ${castType(type)})`));
  const named = (prefix: string, expressions: readonly string[]): string =>
    expressions.map((expression, at) => `${expression} AS ${prefix}${at + 1}`).join(', ');
  const shown = (columns: readonly string[]): string =>
    columns.map((column) => `coalesce(${column}::text, 'NULL')`).join(` || ' | ' || `);
  const [o, n, b] = [names('o', old), names('n', fresh), names('b', old)];
  const given = old.map(({ name }) => `${quoteIdent(name)} IS NOT NULL`).join(' OR ');
  const back = hasWayBack({ old }) ? shown(b) : 'NULL';
  return all<SampleRow>(
    db,
    `SELECT ${shown(o)} AS before, ${shown(n)} AS after, ${back} AS back FROM (
       SELECT *, ${named('b', values(old, n))} FROM (
         SELECT *, ${named('n', values(fresh, o))} FROM (
           SELECT DISTINCT ON (ROW(${o.join(', ')})::text) * FROM (
             SELECT ${named(
               'o',
               old.map(({ name }) => quoteIdent(name)),
             )} FROM ${quoteQualified(table)} WHERE ${given} LIMIT 1000
           ) AS rows_read LIMIT ${ROWS}) AS distinct_values) AS with_new OFFSET 0) AS with_back`,
  );
}
