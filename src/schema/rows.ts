import { Readable } from 'node:stream';
import type pg from 'pg';
import { copyIn, copyOut } from '../postgres/copy.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** What the rows of a table are, without their order: a sum for each column. */
export interface TableRows {
  /** As SQL names it. */
  readonly table: string;
  readonly count: string;
  /** By name of the column: its type, and a sum over its values as text. */
  readonly columns: ReadonlyMap<string, { readonly type: string; readonly sum: string }>;
}

interface TableRow {
  table: string;
  columns: { name: string; type: string; generated: boolean }[];
}

/** Tables with rows of their own, and their columns. */
const TABLES = `
  SELECT n.nspname || '.' || c.relname AS key, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS "table",
    (SELECT coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'generated', a.attgenerated <> '') ORDER BY a.attnum), '[]')
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT n.nspname = ANY ($1::text[])
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e') ORDER BY 1`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** @param leftOut schemas that are nobody's. */
export async function readRows(db: Queryable, leftOut: readonly string[]): Promise<TableRows[]> {
  const found: TableRows[] = [];
  for (const { table, columns } of await all<TableRow>(db, TABLES, [leftOut])) {
    const sums = columns.map(
      ({ name }, at) =>
        `coalesce(sum(pg_catalog.hashtextextended(${quoted(name)}::text, 0)::numeric), 0)::text || ' ' || count(${quoted(name)}) AS c${at}`,
    );
    const [row = {}] = await all<Record<string, string>>(
      db,
      `SELECT ${['count(*)::text AS rows', ...sums].join(', ')} FROM ONLY ${table}`,
    );
    const named = columns.map(({ name, type }, at) => [name, { type, sum: row[`c${at}`] ?? '' }] as const);
    found.push({ table, count: row.rows ?? '0', columns: new Map(named) });
  }
  return found;
}

/** What became of rows, in words: fewer or more of them, or other values in a column that both have. */
export function rowChanges(before: readonly TableRows[], after: readonly TableRows[]): string[] {
  const now = new Map(after.map((one) => [one.table, one]));
  return before.flatMap(({ table, count, columns }) => {
    const found = now.get(table);
    if (found === undefined) return count === '0' ? [] : [`table ${table} is gone, with ${count} rows`];
    if (found.count !== count) return [`table ${table} has ${found.count} rows, and had ${count}`];
    return [...columns].flatMap(([name, { type, sum }]) => {
      const column = found.columns.get(name);
      return column !== undefined && column.type === type && column.sum !== sum
        ? [`column ${table}.${name} has other values`]
        : [];
    });
  });
}

/** Copies all rows, and where sequences stand, into tables of the same names. Nothing else happens there: no trigger, no key is looked at. */
export async function copyRows(from: pg.Client, to: pg.Client, leftOut: readonly string[]): Promise<void> {
  await to.query(`SET session_replication_role = 'replica'`);
  for (const { table, columns } of await all<TableRow>(from, TABLES, [leftOut])) {
    const list = columns
      .filter(({ generated }) => !generated)
      .map(({ name }) => quoted(name))
      .join(', ');
    if (list === '') continue;
    const rows = copyOut(from, `COPY (SELECT ${list} FROM ONLY ${table}) TO STDOUT`);
    await copyIn(to, `COPY ${table} (${list}) FROM STDIN`, Readable.from(rows));
  }
  const sequences = await all<{ name: string; last: string }>(
    from,
    `SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename) AS name, last_value::text AS last FROM pg_sequences WHERE last_value IS NOT NULL AND NOT schemaname = ANY ($1::text[])`,
    [leftOut],
  );
  for (const { name, last } of sequences)
    await to.query('SELECT pg_catalog.setval($1::regclass, $2::bigint)', [name, last]);
  const views = await all<{ name: string }>(
    to,
    `SELECT quote_ident(schemaname) || '.' || quote_ident(matviewname) AS name FROM pg_matviews WHERE schemaname !~ '^pg_'`,
  );
  await to.query(`RESET session_replication_role`);
  for (const { name } of views) await to.query(`REFRESH MATERIALIZED VIEW ${name}`);
}
