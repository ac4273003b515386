import { parse } from '../postgres/parser.ts';

interface ColumnRef {
  readonly fields?: readonly Record<string, { sval?: string }>[];
  readonly location?: number;
}

/** A query of its own within another one keeps the names of tables. */
const INNER = new Set(['SubLink', 'RangeSubselect', 'CommonTableExpr']);

/**
 * The text of a view as PostgreSQL 16 and later write it: what reads one table, and is no part of another query, names columns without it.
 * @param text as `pg_get_viewdef` gives it, before 16.
 */
export async function withoutQualifiers(text: string): Promise<string> {
  const { stmts = [] } = await parse(text);
  const select = (stmts[0]?.stmt as Record<string, Record<string, unknown>> | undefined)?.SelectStmt;
  const from = (select?.fromClause ?? []) as Record<string, unknown>[];
  const [only] = from;
  if (select === undefined || only === undefined || from.length > 1 || 'JoinExpr' in only) return text;
  const bytes = Buffer.from(text, 'utf8');
  const cuts: { start: number; end: number }[] = [];
  walk(select, ({ fields = [], location }) => {
    // A row as a whole keeps its name.
    if (location === undefined || fields.length !== 2 || !('String' in (fields[1] ?? {}))) return;
    const qualifier = /^(?:"(?:[^"]|"")*"|[^\s.(),]+)\./.exec(bytes.subarray(location).toString('utf8'))?.[0];
    if (qualifier !== undefined) cuts.push({ start: location, end: location + Buffer.byteLength(qualifier) });
  });
  cuts.sort((one, other) => one.start - other.start);
  const parts = cuts.map(({ start }, at) => bytes.subarray(cuts[at - 1]?.end ?? 0, start));
  return Buffer.concat([...parts, bytes.subarray(cuts.at(-1)?.end ?? 0)]).toString('utf8');
}

function walk(node: unknown, visit: (ref: ColumnRef) => void): void {
  if (Array.isArray(node)) {
    for (const one of node) walk(one, visit);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  for (const [name, inner] of Object.entries(node)) {
    if (name === 'ColumnRef') visit(inner as ColumnRef);
    else if (!INNER.has(name)) walk(inner, visit);
  }
}
