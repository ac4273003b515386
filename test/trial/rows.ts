import { quoteIdent } from '../../src/domain/identifier.ts';
import type { TestDatabase } from '../support/database.ts';

/** How many rows each table gets when nothing else is asked for. */
export const USUAL_ROWS = 4;

interface Table {
  readonly oid: string;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Tables whose rows have to be there first. */
  readonly needs: readonly string[];
}

interface Column {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly category: string;
  readonly element: string | null;
  readonly length: number | null;
  readonly notNull: boolean;
  readonly labels: readonly string[];
  /** Filled by itself: a default, an identity, or generated. */
  readonly automatic: 'generated' | 'default' | null;
  /** What a row takes over from a row of another table. */
  readonly references: { readonly table: string; readonly column: string } | null;
}

const TABLES = `
  SELECT c.oid::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
    ARRAY(SELECT DISTINCT co.confrelid::text FROM pg_constraint co WHERE co.conrelid = c.oid AND co.contype = 'f' AND co.confrelid <> c.oid) AS needs,
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'name', a.attname, 'number', a.attnum, 'type', format_type(a.atttypid, a.atttypmod), 'category', base.typcategory,
        'element', CASE WHEN base.typcategory = 'A' THEN format_type(base.typelem, NULL) END,
        'length', CASE WHEN base.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4
                       WHEN base.typname IN ('bit', 'varbit') AND a.atttypmod > 0 THEN a.atttypmod END,
        'notNull', a.attnotnull,
        'labels', ARRAY(SELECT enumlabel FROM pg_enum WHERE enumtypid = base.oid ORDER BY enumsortorder),
        'automatic', CASE WHEN a.attgenerated <> '' OR a.attidentity <> '' THEN 'generated' WHEN a.atthasdef THEN 'default' END,
        'references', (SELECT jsonb_build_object('table', r.confrelid::regclass::text, 'column', ra.attname)
          FROM pg_constraint r JOIN LATERAL unnest(r.conkey, r.confkey) AS k(own, other) ON k.own = a.attnum
          JOIN pg_attribute ra ON ra.attrelid = r.confrelid AND ra.attnum = k.other
          WHERE r.conrelid = c.oid AND r.contype = 'f' LIMIT 1)
      ) ORDER BY a.attnum), '[]')
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       JOIN pg_type base ON base.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')`;

/**
 * Gives every table a few rows: parents before children, every column filled, else those alone that need a value. A
 * partitioned table gets rows for the first values of its list partitions. Gives the tables that stayed empty.
 */
export async function fillTables(database: TestDatabase, rows: number): Promise<string[]> {
  const tables = await database.sql<Table>(TABLES);
  const empty: string[] = [];
  for (const table of parentsFirst(tables)) {
    let filled = 0;
    for (let row = 1; row <= rows; row++) if (await insertRow(database, table, { row, rows })) filled++;
    if (filled === 0) empty.push(table.name);
  }
  await refreshViews(database);
  await database.sql('ANALYZE');
  return empty;
}

/** Materialized views hold what the tables hold; one that cannot be filled stays as the dump has left it. */
async function refreshViews(database: TestDatabase): Promise<void> {
  const views = await database.sql<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'm' ORDER BY oid`,
  );
  for (const { name } of views) await database.sql(`REFRESH MATERIALIZED VIEW ${name}`).catch(() => undefined);
}

function parentsFirst(tables: readonly Table[]): Table[] {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const ordered = new Set<Table>();
  const visit = (table: Table, path: ReadonlySet<Table>): void => {
    if (ordered.has(table) || path.has(table)) return;
    for (const oid of table.needs) {
      const parent = byOid.get(oid);
      if (parent) visit(parent, new Set([...path, table]));
    }
    ordered.add(table);
  };
  for (const table of tables) visit(table, new Set());
  return [...ordered];
}

/** The last row leaves out what it may, so that NULL and defaults occur. */
async function insertRow(
  database: TestDatabase,
  table: Table,
  { row, rows }: { readonly row: number; readonly rows: number },
): Promise<boolean> {
  const bounds = await partitionValues(database, table);
  const needed = table.columns.filter(
    ({ notNull, automatic, name }) => (notNull && automatic === null) || bounds.has(name),
  );
  const all = table.columns.filter(({ automatic }) => automatic !== 'generated');
  const attempts = row === rows ? [needed, all] : [all, needed];
  for (const columns of attempts) {
    const values = columns.map((column) => bounds.get(column.name) ?? sampleValue(column, row, rows));
    const sql =
      columns.length === 0
        ? `INSERT INTO ${table.name} DEFAULT VALUES`
        : `INSERT INTO ${table.name} (${columns.map(({ name }) => quoteIdent(name)).join(', ')}) OVERRIDING SYSTEM VALUE VALUES (${values.join(', ')})`;
    const done = await database.sql(sql).then(
      () => true,
      () => false,
    );
    if (done) return true;
  }
  return false;
}

/** A value for the key of a table that is partitioned by list: the first of its first partition. */
async function partitionValues(database: TestDatabase, { oid }: Table): Promise<Map<string, string>> {
  const rows = await database.sql<{ name: string; value: string | null }>(
    `SELECT a.attname AS name, (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'IN \\(((?:''[^'']*''|[^,)])+)'))[1] AS value
     FROM pg_partitioned_table p JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])
     JOIN pg_inherits i ON i.inhparent = p.partrelid JOIN pg_class c ON c.oid = i.inhrelid
     WHERE p.partrelid = $1::oid AND p.partstrat = 'l' ORDER BY c.relname LIMIT 1`,
    [oid],
  );
  return new Map(rows.flatMap(({ name, value }) => (value === null ? [] : [[name, value] as const])));
}

/** An SQL expression of the column's type that differs from row to row where the type allows it. */
function sampleValue(
  { type, category, element, length, labels, references }: Column,
  row: number,
  rows: number,
): string {
  if (references !== null) {
    return `(SELECT ${quoteIdent(references.column)} FROM ${references.table} ORDER BY 1 OFFSET ${(row - 1) % rows} LIMIT 1)`;
  }
  if (labels.length > 0) return `'${(labels[row % labels.length] ?? '').replaceAll("'", "''")}'::${type}`;
  if (category === 'A') return `ARRAY[${simple(element ?? 'text', 'S', row, null)}]::${type}`;
  return `(${simple(type, category, row, length)})::${type}`;
}

function simple(type: string, category: string, row: number, length: number | null): string {
  const two = String(1 + ((row - 1) % 27)).padStart(2, '0');
  const hex = (row % 256).toString(16).padStart(2, '0');
  if (category === 'N' || /^(smallint|integer|bigint|numeric|real|double precision|oid)/.test(type)) return String(row);
  if (category === 'B' || type === 'boolean') return row % 2 === 0 ? 'true' : 'false';
  if (/^date/.test(type)) return `'2020-01-${two}'`;
  if (/^timestamp/.test(type)) return `'2020-01-${two} 01:02:03'`;
  if (/^time/.test(type)) return `'${String(row % 24).padStart(2, '0')}:00:00'`;
  if (/^interval/.test(type)) return `'${row} hours'`;
  if (/^uuid/.test(type)) return `'00000000-0000-4000-8000-${String(row).padStart(12, '0')}'`;
  if (/^jsonb?$/.test(type)) return `'{"a": ${row}}'`;
  if (/^bytea/.test(type)) return `'\\x${hex}'`;
  if (/^(inet|cidr)/.test(type)) return `'10.0.${Math.floor(row / 256)}.${row % 256}'`;
  if (/^macaddr/.test(type)) return `'08:00:2b:01:02:${hex}'`;
  if (/^xml/.test(type)) return `'<a>${row}</a>'`;
  if (/^bit/.test(type)) return `'${'1'.repeat(length ?? 1)}'`;
  if (/^point/.test(type)) return `'(${row},${row})'`;
  if (/^(int|num)\d?.*range$/.test(type)) return `'[${row},${row + 1})'`;
  if (/^(ts|tstz|date)range$/.test(type)) return `'[2020-01-${two},2020-02-01)'`;
  if (/^ts(vector|query)/.test(type)) return `'w${row}'`;
  const text = `v${row}`;
  return `'${length === null ? text : text.slice(-length)}'`;
}
