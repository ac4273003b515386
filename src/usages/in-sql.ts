import { parse } from '../postgres/parser.ts';

export interface Target {
  readonly table: string;
  readonly column: string;
}

/** `own`: the column of the table. `other`: one of that name of another table. `unknown`: the text is no SQL, or does not say it. */
export type InSql = 'own' | 'other' | 'unknown';

type Tree = Readonly<Record<string, unknown>>;

/** What a statement, or several, mean by a column's name. */
export async function meaningInSql(sql: string, target: Target): Promise<InSql> {
  const trees = await parse(sql).catch(() => null);
  if (trees === null) return 'unknown';
  const found: InSql[] = [];
  for (const { stmt } of trees.stmts ?? []) look(stmt as unknown as Tree, [], target, found);
  if (found.includes('own')) return 'own';
  return found.length > 0 && found.every((one) => one === 'other') ? 'other' : 'unknown';
}

/** Tables in reach, by the names that they have there. */
interface Scope {
  readonly names: ReadonlyMap<string, string | null>;
}

const QUERIES: ReadonlySet<string> = new Set(['SelectStmt', 'UpdateStmt', 'DeleteStmt', 'InsertStmt', 'MergeStmt']);

function look(node: unknown, scopes: readonly Scope[], target: Target, found: InSql[]): void {
  if (Array.isArray(node)) {
    for (const one of node) look(one, scopes, target, found);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  for (const [kind, inner] of Object.entries(node as Tree)) {
    if (QUERIES.has(kind)) {
      const scope = { names: tablesOf(inner as Tree) };
      columnsWritten(kind, inner as Tree, target, found);
      look(inner, [scope, ...scopes], target, found);
    } else if (kind === 'ColumnRef') {
      const meaning = meaningOf(inner as Tree, scopes, target);
      if (meaning !== null) found.push(meaning);
    } else look(inner, scopes, target, found);
  }
}

/** Of INSERT and UPDATE: the columns that they name are no references. */
function columnsWritten(kind: string, node: Tree, target: Target, found: InSql[]): void {
  const list = kind === 'InsertStmt' ? node.cols : kind === 'UpdateStmt' ? node.targetList : undefined;
  if (!Array.isArray(list)) return;
  const table = (node.relation as Tree | undefined)?.relname;
  for (const one of list as { ResTarget?: { name?: string } }[]) {
    if (one.ResTarget?.name === target.column) found.push(table === target.table ? 'own' : 'other');
  }
}

/** Those that a query names itself, not those of queries in it; null for what is no table. */
function tablesOf(query: Tree): Map<string, string | null> {
  const names = new Map<string, string | null>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) visit(one);
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
    for (const [kind, inner] of Object.entries(node as Record<string, Tree>)) {
      if (kind === 'RangeVar') {
        const name = String(inner.relname);
        names.set(String((inner.alias as Tree | undefined)?.aliasname ?? name), name);
      } else if (kind === 'RangeSubselect' || kind === 'RangeFunction') {
        names.set(String((inner.alias as Tree | undefined)?.aliasname ?? ''), null);
      } else if (kind === 'JoinExpr') visit([inner.larg, inner.rarg]);
    }
  };
  visit(query.fromClause);
  visit(query.usingClause);
  if (query.relation !== undefined) visit({ RangeVar: query.relation });
  return names;
}

/** Null for another column. */
function meaningOf(ref: Tree, scopes: readonly Scope[], { table, column }: Target): InSql | null {
  const fields = (ref.fields as { String?: { sval?: string } }[]).map((field) => field.String?.sval ?? null);
  if (fields.at(-1) !== column) return null;
  const qualifier = fields.at(-2);
  if (qualifier !== undefined && qualifier !== null) {
    const named = scopes.find(({ names }) => names.has(qualifier))?.names.get(qualifier);
    return named === undefined ? (qualifier === table ? 'own' : 'other') : named === table ? 'own' : 'other';
  }
  const [nearest] = scopes;
  const tables = [...(nearest?.names.values() ?? [])];
  if (!tables.includes(table))
    return scopes.some(({ names }) => [...names.values()].includes(table)) ? 'unknown' : 'other';
  return tables.length === 1 ? 'own' : 'unknown';
}
