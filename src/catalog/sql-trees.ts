import { parse } from '../postgres/parser.ts';

/** A part of PostgreSQL's tree of a statement. */
export type SqlNode = Readonly<Record<string, unknown>>;

/** @throws what PostgreSQL's parser says of a text that is no SQL. */
export async function treesOf(sql: string): Promise<SqlNode[]> {
  const { stmts = [] } = (await parse(sql)) as { stmts?: readonly { readonly stmt: SqlNode }[] };
  return stmts.map(({ stmt }) => stmt);
}

/** What a SELECT of one expression has, and nothing else of it. */
const OF_EXPRESSION = new Set(['targetList', 'limitOption', 'op']);

/** The tree of a text that is to stand as one expression in other SQL. @throws what PostgreSQL's parser says, or that it is more than that. */
export async function expressionTrees(expression: string): Promise<SqlNode[]> {
  const trees = await treesOf(`SELECT (${expression})`);
  const [select] = nodesAtTop(trees, 'SelectStmt');
  const isOne = select !== undefined && trees.length === 1 && toList(select.targetList).length === 1;
  if (!isOne || !Object.keys(select).every((key) => OF_EXPRESSION.has(key)))
    throw new Error('It is more than one expression.');
  return trees;
}

/** Every part of a tree that is of a kind, those inside others, too. */
export function nodesOf(node: unknown, kind: string): SqlNode[] {
  const found: SqlNode[] = [];
  collect(node, kind, found);
  return found;
}

/** Into one list: trees are large, and walked for many kinds. */
function collect(node: unknown, kind: string, found: SqlNode[]): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === kind) found.push(value as SqlNode);
    collect(value, kind, found);
  }
}

/** A list of nodes, or one, or none. */
export function toList(node: unknown): readonly SqlNode[] {
  if (node === undefined || node === null) return [];
  return (Array.isArray(node) ? node : [node]) as SqlNode[];
}

/** Those of a list that are of a kind, not what is inside of others. */
export function nodesAtTop(list: unknown, kind: string): SqlNode[] {
  return toList(list).flatMap((item) => toList(item[kind]));
}

/** Constants that are texts. */
export function textsIn(trees: readonly SqlNode[]): string[] {
  return nodesOf(trees, 'A_Const').flatMap(({ sval }) => (sval as { sval?: string } | undefined)?.sval ?? []);
}
