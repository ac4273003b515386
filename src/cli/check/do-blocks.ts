import type { Node } from '../../checks/rule.ts';
import { field, nodes, text } from '../../checks/syntax.ts';
import { parsePlPgSQL } from '../../postgres/parser.ts';

/** A statement in the body of a DO, or one that it puts together as a literal. */
export interface InnerStatement {
  readonly sql: string;
  /** How many lines below the one on which the DO begins. */
  readonly below: number;
}

/** What a DO of plpgsql sends, whether it comes there or not; none where its body is in another language. What it computes and executes is not known. */
export async function statementsInDo(sql: string, node: Node): Promise<InnerStatement[]> {
  const body = nodes(node, 'args').find((one) => text(one.node, 'defname') === 'as');
  const source = text(field(field(body?.node, 'arg'), 'String'), 'sval');
  const at = sql.indexOf(source);
  const before = at === -1 ? 0 : sql.slice(0, at).split('\n').length - 1;
  const parsed = await parsePlPgSQL(sql).catch(() => null);
  return innerOf(parsed).map(({ query, line }) => ({ sql: query, below: before + line - 1 }));
}

interface Query {
  readonly query: string;
  /** From 1, in the body. */
  readonly line: number;
}

function innerOf(tree: unknown): Query[] {
  if (Array.isArray(tree)) return tree.flatMap(innerOf);
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([kind, value]) => {
    const line = Number((value as Node | null)?.lineno ?? 1);
    if (kind === 'PLpgSQL_stmt_execsql') return [{ query: queryOf((value as Node).sqlstmt), line }];
    if (kind !== 'PLpgSQL_stmt_dynexecute') return innerOf(value);
    const [, literal] = /^\s*'((?:[^']|'')*)'\s*$/s.exec(queryOf((value as Node).query)) ?? [];
    return literal === undefined ? [] : [{ query: literal.replaceAll("''", "'"), line }];
  });
}

const queryOf = (expression: unknown): string => text(field(expression as Node, 'PLpgSQL_expr'), 'query');
