import { type Body, nodesOf, type SqlNode } from './bodies.ts';
import { isTable, pathOf, type Tables } from './references.ts';

/** What is looked for: a name, and the tables that are to have a column of that name. */
export interface Wanted {
  readonly tables: Tables;
  readonly name: string;
  /** Names of relations that have a column of that name. */
  readonly holders: ReadonlySet<string>;
}

/**
 * Whether a function names something by a name alone where a table's columns can be meant: a variable, an argument or a column
 * of another table. Once the table has a column of that name it is ambiguous, or means that column without a word.
 */
export function usesNameAlone(body: Body, source: string, wanted: Wanted): boolean {
  const prefersVariables =
    /^\s*#variable_conflict\s+use_variable/im.test(source) && body.variables.includes(wanted.name);
  return !prefersVariables && body.statements.some(({ tree }) => within(tree, wanted, new Set(), false));
}

/** @param withs names of queries of WITH, which hide tables; @param sees whether the table's columns can be meant here. */
function within(node: unknown, wanted: Wanted, withs: ReadonlySet<string>, sees: boolean): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (Array.isArray(node)) return node.some((item) => within(item, wanted, withs, sees));
  return Object.entries(node).some(([kind, value]) => {
    if (kind === 'ColumnRef') return sees && isNameAlone(value as SqlNode, wanted.name);
    if (kind === 'SelectStmt') return withinSelect(value as SqlNode, wanted, withs, sees);
    if (kind === 'InsertStmt') return withinInsert(value as SqlNode, wanted, withs, sees);
    if (kind === 'UpdateStmt' || kind === 'DeleteStmt' || kind === 'MergeStmt') {
      return withinWrite(value as SqlNode, wanted, withs, sees);
    }
    return within(value, wanted, withs, sees);
  });
}

function isNameAlone(reference: SqlNode, name: string): boolean {
  const path = pathOf(reference);
  return path.length === 1 && path[0] === name && nodesOf(reference, 'A_Star').length === 0;
}

function withinSelect(select: SqlNode, wanted: Wanted, outer: ReadonlySet<string>, sees: boolean): boolean {
  const { larg, rarg, withClause, fromClause, targetList, sortClause, ...rest } = select;
  const withs = withsOf(withClause, outer);
  const sides = [larg, rarg].filter((side) => side !== undefined);
  const isHere = gives(fromClause, wanted.tables, withs);
  // The innermost of the tables that have such a column is meant.
  const own = isHere || (sees && !holds(fromClause, wanted, withs));
  const named = nodesAtTop(targetList, 'ResTarget').map(({ name }) => name);
  const sorted = nodesAtTop(sortClause, 'SortBy').filter(({ node }) => {
    const reference = (node as SqlNode | undefined)?.ColumnRef as SqlNode | undefined;
    return reference === undefined || !isNameAlone(reference, wanted.name) || !named.includes(wanted.name);
  });
  return (
    within(withClause, wanted, outer, sees) ||
    sides.some((side) => withinSelect(side as SqlNode, wanted, withs, sees)) ||
    withinFrom(fromClause, wanted, withs, { sees, own }) ||
    within([targetList, sides.length === 0 ? sorted : [], rest], wanted, withs, own)
  );
}

/** Subqueries in FROM see nothing of their neighbours, unless they are LATERAL. */
function withinFrom(
  from: unknown,
  wanted: Wanted,
  withs: ReadonlySet<string>,
  { sees, own }: { readonly sees: boolean; readonly own: boolean },
): boolean {
  return ((from ?? []) as readonly SqlNode[]).some((part) => {
    const { RangeSubselect, JoinExpr } = part as Record<string, SqlNode | undefined>;
    if (RangeSubselect !== undefined) {
      return within(RangeSubselect.subquery, wanted, withs, RangeSubselect.lateral === true ? own : sees);
    }
    if (JoinExpr === undefined) return within(part, wanted, withs, own);
    const sides = [JoinExpr.larg, JoinExpr.rarg];
    if (JoinExpr.isNatural === true && gives(sides, wanted.tables, withs) && holds(sides, wanted, withs)) return true;
    return (
      withinFrom([JoinExpr.larg, JoinExpr.rarg], wanted, withs, { sees, own }) ||
      within(JoinExpr.quals, wanted, withs, own)
    );
  });
}

/** The values of an INSERT do not see the table, its ON CONFLICT and RETURNING do. */
function withinInsert(insert: SqlNode, wanted: Wanted, outer: ReadonlySet<string>, sees: boolean): boolean {
  const { relation, withClause, selectStmt, cols: _cols, ...rest } = insert;
  const withs = withsOf(withClause, outer);
  return (
    within([withClause, selectStmt], wanted, withs, sees) ||
    within(rest, wanted, withs, sees || isTable((relation ?? {}) as SqlNode, wanted.tables))
  );
}

function withinWrite(written: SqlNode, wanted: Wanted, outer: ReadonlySet<string>, sees: boolean): boolean {
  const { relation, withClause, fromClause, usingClause, sourceRelation, ...rest } = written;
  const withs = withsOf(withClause, outer);
  const from = [...toList(fromClause), ...toList(usingClause), ...toList(sourceRelation)];
  const own = sees || isTable((relation ?? {}) as SqlNode, wanted.tables) || gives(from, wanted.tables, withs);
  return (
    within(withClause, wanted, outer, sees) ||
    withinFrom(from, wanted, withs, { sees, own }) ||
    within(rest, wanted, withs, own)
  );
}

function withsOf(withClause: unknown, outer: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...outer, ...nodesOf(withClause, 'CommonTableExpr').map(({ ctename }) => String(ctename))]);
}

/** Whether a list of FROM has a table in it that has a column of the name already. */
function holds(from: unknown, wanted: Wanted, withs: ReadonlySet<string>): boolean {
  return toList(from).some((part) => {
    const { RangeVar, JoinExpr } = part as Record<string, SqlNode | undefined>;
    if (JoinExpr !== undefined) return holds([JoinExpr.larg, JoinExpr.rarg], wanted, withs);
    if (RangeVar === undefined) return false;
    return !withs.has(String(RangeVar.relname)) && wanted.holders.has(String(RangeVar.relname));
  });
}

/** Whether a list of FROM has the table itself in it, or a subquery with all of its columns. */
function gives(from: unknown, tables: Tables, withs: ReadonlySet<string>): boolean {
  return toList(from).some((part) => {
    const { RangeVar, RangeSubselect, JoinExpr } = part as Record<string, SqlNode | undefined>;
    if (RangeSubselect !== undefined) {
      const select = (RangeSubselect.subquery as { readonly SelectStmt?: SqlNode } | undefined)?.SelectStmt;
      return nodesOf(select?.targetList, 'A_Star').length > 0 && gives(select?.fromClause, tables, withs);
    }
    if (JoinExpr !== undefined) return gives([JoinExpr.larg, JoinExpr.rarg], tables, withs);
    if (RangeVar === undefined) return false;
    const isWith = RangeVar.schemaname === undefined && withs.has(String(RangeVar.relname));
    return !isWith && isTable(RangeVar, tables);
  });
}

function toList(node: unknown): readonly SqlNode[] {
  if (node === undefined || node === null) return [];
  return (Array.isArray(node) ? node : [node]) as SqlNode[];
}

function nodesAtTop(list: unknown, kind: string): SqlNode[] {
  return toList(list).flatMap((item) => toList(item[kind]));
}
