import type { Body, BodyStatement } from './bodies.ts';
import { isTable, type Relation, type RowFacts, type Tables } from './references.ts';
import { RowNames } from './row-names.ts';
import { expressionOf, functionOf, itemsOf, Rows } from './rows.ts';
import { nodesAtTop, nodesOf, type SqlNode, toList } from './sql-trees.ts';

/** A use of a table's rows by the order of their columns, in words. */
export type RowUse = string;

export interface RowUser extends RowFacts {
  /** What it returns: rows of the table, those of another table or type, nothing, or anything else. */
  readonly returns: 'rows' | 'other rows' | 'nothing' | 'values';
  /** The place of the column among those of the table, from 1. */
  readonly place: number;
  /** Whether it is the last one: what is named by position stays in place then. */
  readonly isLastColumn: boolean;
  /** Names of functions that return rows of the table, and of those that take some. */
  readonly rowFunctions: ReadonlySet<string>;
  readonly rowTakers: ReadonlySet<string>;
}

/**
 * Where a function depends on the order and number of a table's columns: its rows as a whole put where columns go by their
 * position, or the other way round. One more column breaks or misplaces them, and so does a column that has another place in the end.
 */
export function rowUsesIn(body: Body, tables: Tables, user: RowUser): RowUse[] {
  const names = new RowNames(body, tables, user);
  const givenFor = (tree: SqlNode): Given => {
    return { rows: new Rows(tree, { tables, names, rowFunctions: user.rowFunctions }), names, tables, user };
  };
  const uses = body.statements.flatMap((statement) => usesInStatement(statement, givenFor(statement.tree)));
  const made = body.statements.filter(({ tree }) => makesRowOfValues(tree, givenFor(tree).rows));
  return [...new Set([...uses, ...usesByReturning(body, names, user, made)])];
}

/** Whether it runs a text that uses rows of the table by their order, as far as that can be told from where it is not known what becomes of them. */
export function textsUseRows(body: Body, tables: Tables, user: RowUser): boolean {
  const names = new RowNames(body, tables, user);
  const returnsColumns = !user.isTriggerOfTable && (user.returns === 'values' || user.returns === 'other rows');
  return body.statementsInTexts.some((tree) => {
    const rows = new Rows(tree, { tables, names, rowFunctions: user.rowFunctions });
    const given = { rows, names, tables, user };
    const statement = { tree, returned: false, variables: 0, record: null };
    return usesInStatement(statement, given).length > 0 || (returnsColumns && rows.queryGives(tree));
  });
}

interface Given {
  readonly rows: Rows;
  readonly names: RowNames;
  readonly tables: Tables;
  readonly user: RowUser;
}

function usesInStatement(statement: BodyStatement, given: Given): RowUse[] {
  const { tree } = statement;
  return [
    ...nodesOf(tree, 'InsertStmt').flatMap((insert) => usesInInsert(insert, given)),
    ...nodesOf(tree, 'MergeStmt').flatMap((merge) => usesInMerge(merge, given)),
    ...nodesOf(tree, 'SelectStmt').flatMap((select) => usesInUnion(select, given)),
    ...nodesOf(tree, 'SubLink').flatMap((link) => usesInSubquery(link, given)),
    ...usesByValues(tree, given),
    ...nodesOf(tree, 'SelectStmt').flatMap((select) => usesByNumber(select, given)),
    ...nodesOf(tree, 'CopyStmt').flatMap(({ relation, attlist }) =>
      attlist === undefined && isTable((relation ?? {}) as Relation, given.tables)
        ? ['it copies the table without naming the columns']
        : [],
    ),
    ...usesByAliases(tree, given),
    ...usesByDestination(statement, given),
  ];
}

const MAKES_ROWS = 'it makes rows of the table from values by their order';

/** Rows of the table that are made of values: `ROW(1, 'a')::users`, `'(1,a)'::users`, or for a function that takes one. */
function usesByValues(tree: SqlNode, { rows, user }: Given): RowUse[] {
  const isCast = nodesOf(tree, 'TypeCast').some(({ arg, typeName }) => {
    const isMade = 'RowExpr' in ((arg ?? {}) as object) || isText(arg as SqlNode);
    return isMade && rows.isRowType(typeName as SqlNode) && (typeName as SqlNode).arrayBounds === undefined;
  });
  const isGiven = nodesOf(tree, 'FuncCall').some(
    (call) => user.rowTakers.has(functionOf(call)) && toList(call.args).some((arg) => isRowOfValues(arg)),
  );
  return isCast || isGiven ? [MAKES_ROWS] : [];
}

function isText(value: SqlNode | undefined): boolean {
  return (value?.A_Const as SqlNode | undefined)?.sval !== undefined;
}

/** `ROW(1, 'a')`, not `ROW(u.*)`. */
function isRowOfValues(value: SqlNode): boolean {
  return 'RowExpr' in value && nodesOf(value, 'A_Star').length === 0;
}

/** `SELECT * ... ORDER BY 3`: the number of a result that stands for another column, or for none, once there is one more. */
function usesByNumber(select: SqlNode, { rows, user }: Given): RowUse[] {
  const from = toList(select.fromClause);
  const at = toList(select.targetList).findIndex((item) => rows.isStar(item, from));
  if (at === -1) return [];
  const sorted = nodesAtTop(select.sortClause, 'SortBy').map(({ node }) => node as SqlNode);
  const numbers = [...sorted, ...toList(select.distinctClause), ...toList(select.groupClause)].flatMap(numberIn);
  // In GROUP BY the new column would be missing.
  const isMet =
    toList(select.groupClause).some((node) => numberIn(node).length > 0) ||
    numbers.some((one) => one >= at + user.place);
  return isMet ? ['it sorts or groups whole rows of the table by the numbers of columns'] : [];
}

function numberIn(node: SqlNode): number[] {
  const { ival } = (node?.A_Const ?? {}) as { readonly ival?: { readonly ival?: number } };
  return ival?.ival === undefined ? [] : [ival.ival];
}

/** Where its rows go: into variables, or to the caller. */
function usesByDestination({ tree, returned, variables, record }: BodyStatement, given: Given): RowUse[] {
  const { rows, names, user } = given;
  const isWhole = rows.queryGives(tree);
  const select = tree.SelectStmt as SqlNode | undefined;
  const [value, ...others] = select === undefined ? [] : itemsOf(select);
  const isRow =
    others.length === 0 && value !== undefined && rows.isRow(expressionOf(value), toList(select?.fromClause));
  const fromOthers = !isWhole && !isRow && makesRowOfValues(tree, rows);
  const returnsOther = user.returns === 'other rows' || user.returns === 'values';
  return [
    ...(returned && isWhole && returnsOther ? ['it returns whole rows of the table as other columns'] : []),
    ...(returned && fromOthers && (user.returns === 'rows' || user.isTriggerOfTable) ? [MAKES_ROWS] : []),
    ...(variables > 0 && isWhole ? ['it reads whole rows of the table into variables one by one'] : []),
    ...(record !== null && (isWhole || isRow) && names.kindOf(record) === 'other'
      ? ['it puts whole rows of the table into a variable of another type']
      : []),
    ...(record !== null && fromOthers && names.kindOf(record) === 'row' ? [MAKES_ROWS] : []),
  ];
}

/** Whether a query gives several values, a row of such, or one of another table: `SELECT 1, 'a'`, `SELECT ROW(1, 'a')`, `SELECT * FROM arch`. */
function makesRow(select: SqlNode, rows: Rows): boolean {
  if (select.larg !== undefined) return makesRow(select.larg as SqlNode, rows);
  if (rows.yieldsOther(select)) return true;
  const [first, ...others] = toList(select.targetList).map(expressionOf);
  const [list] = toList(select.valuesLists) as readonly { readonly List?: { readonly items?: unknown } }[];
  const isStar = (value: SqlNode): boolean => nodesOf(value, 'A_Star').length > 0;
  if (list !== undefined) return true;
  if (first === undefined) return false;
  if (others.length > 0) return ![first, ...others].some(isStar);
  return isText(first) || isRowOfValues(first);
}

function makesRowOfValues(tree: SqlNode, rows: Rows): boolean {
  const select = tree.SelectStmt as SqlNode | undefined;
  return select === undefined ? rows.returnsOther(tree) : makesRow(select, rows);
}

/** @param made statements that give rows of values, or of another table. */
function usesByReturning(
  { returnedVariables }: Body,
  names: RowNames,
  { returns, isTriggerOfTable }: RowUser,
  made: readonly BodyStatement[],
): RowUse[] {
  return returnedVariables.flatMap((variable) => {
    const isMade = names.kindOf(variable) === 'record' && made.some(({ record }) => record === variable);
    if (isMade && (returns === 'rows' || isTriggerOfTable)) return [MAKES_ROWS];
    if (returns === 'other rows' && names.holdsRow(variable) === 'certain')
      return ['it returns whole rows of the table as other columns'];
    return returns === 'rows' && names.kindOf(variable) === 'other' ? [MAKES_ROWS] : [];
  });
}

function usesInInsert({ relation, cols, selectStmt }: SqlNode, { rows, tables, user }: Given): RowUse[] {
  const source = (selectStmt as { readonly SelectStmt?: SqlNode } | undefined)?.SelectStmt;
  if (source === undefined) return [];
  const into = (relation ?? {}) as Relation;
  const isWhole = rows.yields(source);
  if (!isTable(into, tables)) return isWhole ? [`it inserts whole rows of the table into ${into.relname}`] : [];
  const isShort = isFirst(into, tables) && widthOf(source) < user.place;
  return cols === undefined && !isWhole && !isShort && !staysInPlace(into, tables, user) ? [INSERTS_BY_PLACE] : [];
}

const INSERTS_BY_PLACE = 'it inserts into the table without naming the columns';

/** How many columns a query has; without end where it does not say. */
function widthOf(select: SqlNode): number {
  const [list] = toList(select.valuesLists) as readonly { readonly List?: { readonly items?: unknown } }[];
  const items = list === undefined ? toList(select.targetList) : toList(list.List?.items);
  const isStar = nodesOf(items, 'A_Star').length > 0;
  return select.larg !== undefined || isStar ? Number.POSITIVE_INFINITY : items.length;
}

/** The table itself: in its partitions and children the column may have another place. */
function isFirst(relation: Relation, [table]: Tables): boolean {
  return table !== undefined && isTable(relation, [table]);
}

function staysInPlace(relation: Relation, tables: Tables, { isLastColumn }: RowUser): boolean {
  return isLastColumn && isFirst(relation, tables);
}

function usesInMerge(merge: SqlNode, { rows, tables, user }: Given): RowUse[] {
  const into = (merge.relation ?? {}) as Relation;
  const inserted = nodesOf(merge.mergeWhenClauses, 'MergeWhenClause').filter(
    ({ commandType, targetList }) => commandType === 'CMD_INSERT' && targetList === undefined,
  );
  return inserted.flatMap(({ values }) => {
    const isWhole = rows.yields({ targetList: values, fromClause: [merge.sourceRelation] });
    if (!isTable(into, tables)) return isWhole ? [`it inserts whole rows of the table into ${into.relname}`] : [];
    return isWhole || staysInPlace(into, tables, user) ? [] : [INSERTS_BY_PLACE];
  });
}

function usesInUnion({ op, larg, rarg }: SqlNode, { rows }: Given): RowUse[] {
  if (op === undefined || op === 'SETOP_NONE') return [];
  const whole = [larg, rarg].filter((side) => rows.yields(side as SqlNode));
  return whole.length === 1 ? ['it unites whole rows of the table with others'] : [];
}

/** `(a, b) = (SELECT * FROM users)`, `SET (a, b) = (SELECT * ...)`, `(a, b) IN (SELECT * ...)`. */
function usesInSubquery({ subLinkType, subselect }: SqlNode, { rows }: Given): RowUse[] {
  const takesColumns = subLinkType !== 'EXISTS_SUBLINK' && subLinkType !== 'ARRAY_SUBLINK';
  const select = (subselect as { readonly SelectStmt?: SqlNode } | undefined)?.SelectStmt;
  return takesColumns && rows.yields(select) ? ['it compares or assigns whole rows of the table column by column'] : [];
}

/** Names that columns are given by their order: `users AS u(a, b)`, `(SELECT * FROM users) AS u(a, b)`, `WITH u(a, b) AS (...)`. */
function usesByAliases(tree: SqlNode, { rows, tables, user }: Given): RowUse[] {
  const reaches = (names: unknown): boolean => toList(names).length >= user.place;
  const aliased = ['RangeVar', 'RangeSubselect', 'JoinExpr', 'RangeFunction'].flatMap((kind) =>
    nodesOf(tree, kind)
      .filter(({ alias }) => reaches((alias as Relation['alias'])?.colnames))
      .filter((part) => kind !== 'RangeVar' || !staysInPlace(part as Relation, tables, user))
      .map((part) => rows.gives({ [kind]: part })),
  );
  const withs = nodesOf(tree, 'CommonTableExpr')
    .filter(({ aliascolnames }) => reaches(aliascolnames))
    .map(({ ctequery }) => rows.queryGives(ctequery as SqlNode));
  return [...aliased, ...withs].includes(true) ? ['it gives names to the columns of the table by their order'] : [];
}
