import { all, type Queryable } from '../postgres/queryable.ts';

interface TableRow {
  table: string;
  oid: string;
  columns: string[];
  needs: string[];
}

/** Those with rows of their own, and the tables that their foreign keys lead to. */
const TABLES = `
  SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS "table", c.oid::text AS oid,
    ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS columns,
    ARRAY(SELECT coalesce((SELECT p.oid FROM pg_partition_tree(k.confrelid) t JOIN pg_class p ON p.oid = t.relid WHERE p.relkind = 'r' LIMIT 1), k.confrelid)::text
      FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid) AS needs
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT n.nspname = ANY ($1::text[])
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e') ORDER BY 1`;

/** Those that hold something; one that reads another one was made after it. */
const MATERIALIZED = `
  SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname !~ '^pg_' AND NOT n.nspname = ANY ($1::text[]) ORDER BY c.oid`;

const ROWS_AT_ONCE = 200;

/**
 * Statements that make all rows of a database, in an order that foreign keys allow, leave its sequences where they stand, and fill what is computed of them; none where there are no rows.
 * @throws Error for foreign keys that lead in a circle between tables with rows.
 */
export async function rowStatements(db: Queryable, leftOut: readonly string[]): Promise<string[]> {
  await db.query(`SET search_path TO ''`);
  const found = await all<TableRow>(db, TABLES, [leftOut]);
  const statements: string[] = [];
  const withRows = [];
  for (const table of found) {
    const rows = await rowsOf(db, table);
    if (rows.length > 0) withRows.push({ ...table, rows });
  }
  for (const { table, columns, rows } of inOrder(withRows)) {
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      const values = rows
        .slice(at, at + ROWS_AT_ONCE)
        .map((row) => `  ${row}`)
        .join(',\n');
      statements.push(`INSERT INTO ${table} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE VALUES\n${values}`);
    }
  }
  if (statements.length === 0) return [];
  const sequences = await all<{ name: string; last: string }>(
    db,
    `SELECT quote_literal(quote_ident(schemaname) || '.' || quote_ident(sequencename)) AS name, last_value::text AS last FROM pg_catalog.pg_sequences
     WHERE last_value IS NOT NULL AND NOT schemaname = ANY ($1::text[]) ORDER BY 1`,
    [leftOut],
  );
  const views = await all<{ name: string }>(db, MATERIALIZED, [leftOut]);
  return [
    ...statements,
    ...sequences.map(({ name, last }) => `SELECT pg_catalog.setval(${name}, ${last})`),
    ...views.map(({ name }) => `REFRESH MATERIALIZED VIEW ${name}`),
  ];
}

/** Each as a list of literals. */
async function rowsOf(db: Queryable, { table, columns }: TableRow): Promise<string[]> {
  if (columns.length === 0) return [];
  const literals = columns.map((column) => `coalesce(quote_literal(${column}), 'NULL')`);
  const rows = await all<{ row: string }>(
    db,
    `SELECT '(' || concat_ws(', ', ${literals.join(', ')}) || ')' AS row FROM ONLY ${table} ORDER BY 1`,
  );
  return rows.map(({ row }) => row);
}

function inOrder<T extends TableRow>(tables: readonly T[]): T[] {
  const left = new Map(tables.map((table) => [table.oid, table]));
  const ordered: T[] = [];
  while (left.size > 0) {
    const ready = [...left.values()].filter(({ needs }) => needs.every((oid) => !left.has(oid)));
    if (ready.length === 0)
      throw new Error(
        `foreign keys lead in a circle between ${[...left.values()].map(({ table }) => table).join(', ')}`,
      );
    for (const table of ready) {
      ordered.push(table);
      left.delete(table.oid);
    }
  }
  return ordered;
}
