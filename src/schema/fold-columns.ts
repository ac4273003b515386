import { buildFactBase, type DependencyEdge, encodeId, type FactBase, type StableId } from '@supabase/pg-delta';
import { parse } from '../postgres/parser.ts';
import type { Statement } from './statement.ts';

/** What a column can need, and does not lie in its table. */
const NEEDED: ReadonlySet<string> = new Set(['type', 'domain', 'collation', 'function', 'sequence']);

/**
 * Facts in which new tables need what their columns need: pg-delta makes a table first, and adds those columns later, behind all others.
 * @param isNew whether a table is to be made.
 */
export function withNeedsOfTables(facts: FactBase, isNew: (table: string) => boolean): FactBase {
  const edges = new Map(facts.edges.map((edge) => [keyOf(edge), edge]));
  for (const { from, to } of facts.edges) {
    if ((from.kind !== 'column' && from.kind !== 'default') || !NEEDED.has(to.kind)) continue;
    const table = tableOf(from);
    if (!isNew(encodeId(table)) || !facts.has(table)) continue;
    const edge: DependencyEdge = { from: table, to, kind: 'depends' };
    edges.set(keyOf(edge), edge);
  }
  return buildFactBase(facts.facts(), [...edges.values()], facts.source, facts.referenceOnly);
}

const keyOf = ({ from, to, kind }: DependencyEdge): string => `${encodeId(from)} ${kind} ${encodeId(to)}`;

const tableOf = (id: ColumnId): StableId => ({
  kind: 'table',
  schema: id.schema,
  name: id.table,
});

/**
 * Puts columns that are added to a table which was just made into the statement that makes it, each in its place. All that they need has to be there
 * before the table.
 */
export async function foldColumns(statements: readonly Statement[], facts: FactBase): Promise<Statement[]> {
  const added = new Map<string, Statement[]>();
  for (const statement of statements) {
    if (clauseOf(statement) === null) continue;
    const table = encodeId(tableOf(statement.subject as ColumnId));
    added.set(table, [...(added.get(table) ?? []), statement]);
  }
  const folded = new Set<Statement>();
  const out: Statement[] = [];
  for (const statement of statements) {
    const { subject, verb, sql } = statement;
    const columns = verb === 'create' && subject?.kind === 'table' ? (added.get(encodeId(subject)) ?? []) : [];
    const whole =
      columns.length === 0 || !/^CREATE (?:UNLOGGED )?TABLE [^(]*\(/.test(sql)
        ? null
        : await withColumns(sql, columns, facts);
    if (whole !== null) for (const column of columns) folded.add(column);
    if (!folded.has(statement)) out.push(whole === null ? statement : { ...statement, sql: whole });
  }
  return out;
}

type ColumnId = Extract<StableId, { schema: string; table: string; name: string }>;

/** As pg-delta writes each name, whether it needs that or not. */
const alwaysQuoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** What a statement of pg-delta says of a new column; null where it says more. */
function clauseOf({ sql, subject, verb }: Statement): string | null {
  if (verb !== 'create' || subject?.kind !== 'column') return null;
  const { schema, table } = subject as ColumnId;
  const prefix = `ALTER TABLE ${alwaysQuoted(schema)}.${alwaysQuoted(table)} ADD COLUMN `;
  return sql.startsWith(prefix) ? sql.slice(prefix.length) : null;
}

/** Null for a statement of another form. */
async function withColumns(sql: string, columns: readonly Statement[], facts: FactBase): Promise<string | null> {
  const { stmts = [] } = await parse(sql);
  const create = (
    stmts[0]?.stmt as
      | { CreateStmt?: { tableElts?: TableElement[]; partbound?: unknown; ofTypename?: unknown } }
      | undefined
  )?.CreateStmt;
  if (create === undefined || create.partbound !== undefined || create.ofTypename !== undefined) return null;
  const bytes = Buffer.from(sql, 'utf8');
  const elements = create.tableElts ?? [];
  const positionOf = (column: string, like: StableId): number => {
    const { schema, table } = like as { schema: string; table: string };
    return Number(facts.get({ kind: 'column', schema, table, name: column })?.payload._position ?? 0);
  };
  const like = columns[0]?.subject;
  if (like === undefined || like === null) return null;
  const placed = elements.map((element) => {
    const location = element.ColumnDef?.location ?? element.Constraint?.location ?? 0;
    const place =
      element.ColumnDef === undefined ? Number.POSITIVE_INFINITY : positionOf(element.ColumnDef.colname ?? '', like);
    return { location, place };
  });
  const inserts = columns.map((column) => {
    const place = positionOf((column.subject as { name: string }).name, like);
    const next = placed.find((element) => element.place > place);
    return { place, clause: clauseOf(column) ?? '', at: next?.location ?? null };
  });
  const open = bytes.indexOf('(');
  return spliced(bytes, inserts, elements.length === 0 ? open + 1 : null);
}

interface TableElement {
  readonly ColumnDef?: { readonly colname?: string; readonly location?: number };
  readonly Constraint?: { readonly location?: number };
}

interface Insert {
  readonly place: number;
  readonly clause: string;
  /** In bytes; null: behind all others. */
  readonly at: number | null;
}

/** @param only where they go in a list that is empty. Null where what stands behind the list cannot be told from it. */
function spliced(bytes: Buffer, inserts: readonly Insert[], only: number | null): string | null {
  const inOrder = inserts.toSorted((one, other) => one.place - other.place);
  const behind = only === null ? endOfList(bytes) : only;
  let text = '';
  let done = 0;
  for (const { at, clause } of inOrder) {
    const end = at ?? behind;
    text += bytes.subarray(done, end).toString('utf8');
    const isFirst = only !== null && done !== end;
    text += at === null ? (only !== null && isFirst ? clause : `, ${clause}`) : `${clause}, `;
    done = end;
  }
  return text + bytes.subarray(done).toString('utf8');
}

/** Where the parenthesis closes that the list of columns begins with; pg-delta writes nothing in it that has one alone, but in quotes. */
function endOfList(bytes: Buffer): number {
  let depth = 0;
  let quote: number | null = null;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quote !== null) {
      if (byte === quote) quote = null;
      continue;
    }
    if (byte === 34 || byte === 39) quote = byte;
    else if (byte === 40) depth++;
    else if (byte === 41 && --depth === 0) return at;
  }
  return bytes.length;
}
