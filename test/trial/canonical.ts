import { parse } from 'libpg-query';
import type { TestDatabase } from '../support/database.ts';

interface Aliased {
  schemaname?: string;
  relname?: string;
  alias?: { aliasname?: string; colnames?: { String: { sval: string } }[] };
}

// biome-ignore lint/suspicious/noExplicitAny: nodes of PostgreSQL's parser
type Node = any;

/**
 * Queries of views in a form that does not depend on where columns stand in their tables. Where PostgreSQL has to tell
 * columns apart, such as after a rename of one that a join is USING, it prints a list of names for all columns of the table
 * in their order; here each such name is replaced by that of its column. Gives a line for each view.
 */
export async function canonicalViews(database: TestDatabase): Promise<string[]> {
  const columns = await columnsOf(database);
  const views = await database.sql<{ name: string; definition: string }>(`
    SELECT c.oid::regclass::text AS name, pg_get_viewdef(c.oid) AS definition FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'phase') ORDER BY 1`);
  return Promise.all(
    views.map(async ({ name, definition }) => `query of ${name}: ${await canonical(definition, columns)}`),
  );
}

async function columnsOf(database: TestDatabase): Promise<Map<string, string[]>> {
  const rows = await database.sql<{ table: string; columns: string[] }>(`
    SELECT c.relname AS table, array_agg(a.attname::text ORDER BY a.attnum) AS columns FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'phase')
    GROUP BY n.nspname, c.relname`);
  return new Map(rows.map(({ table, columns }) => [table, columns]));
}

async function canonical(query: string, columns: ReadonlyMap<string, string[]>): Promise<string> {
  const tree: Node = await parse(query);
  const names = new Map<string, string>();
  visit(tree, 'RangeVar', (range: Aliased) => {
    range.alias?.colnames?.forEach(({ String: { sval } }, at) => {
      const column = columns.get(range.relname ?? '')?.[at] ?? sval;
      names.set(`${range.alias?.aliasname}.${sval}`, column);
      names.set(`.${sval}`, column);
    });
    if (range.alias) delete range.alias.colnames;
  });
  const rename = (qualifier: string, field: Node) => {
    if (field?.String) field.String.sval = names.get(`${qualifier}.${field.String.sval}`) ?? field.String.sval;
  };
  visit(tree, 'ColumnRef', ({ fields }: Node) => {
    rename(fields.length > 1 ? (fields.at(-2)?.String?.sval ?? '') : '', fields.at(-1));
  });
  visit(tree, 'JoinExpr', ({ usingClause }: Node) => {
    for (const field of usingClause ?? []) rename('', field);
  });
  // Names of output columns are compared as columns of the view.
  visit(tree, 'ResTarget', (target: Node) => {
    delete target.name;
  });
  return JSON.stringify(tree, (key, value) => (/location|stmt_len/.test(key) ? undefined : value));
}

function visit(node: Node, kind: string, body: (found: Node) => void): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    visit(value, kind, body);
    if (key === kind) body(value);
  }
}
