import { type Body, type BodyStatement, nodesOf, type SqlNode } from './bodies.ts';
import { type FunctionFacts, isTable, pathOf, type Tables } from './references.ts';
import { RowNames } from './row-names.ts';

/** A use of a table's rows by the order of their columns, in words. */
export type RowUse = string;

export interface RowUser extends Omit<FunctionFacts, 'mentioned'> {
  /** Whether it returns rows of the table. */
  readonly returnsRows: boolean;
  /** Whether the column is the last one of the table: what is inserted by position stays in place then. */
  readonly isLastColumn: boolean;
}

interface InsertStatement {
  readonly relation?: SqlNode;
  readonly cols?: readonly unknown[];
  readonly selectStmt?: { readonly SelectStmt?: SqlNode };
}

/**
 * Where a function depends on the order and number of a table's columns: its rows as a whole put where columns go by their
 * position. One more column breaks or misplaces them, and so does a column that has another place in the end.
 */
export function rowUsesIn(body: Body, tables: Tables, user: RowUser): RowUse[] {
  const uses = body.statements.flatMap((statement) =>
    usesInStatement(statement, { rows: new RowNames(body, tables, user), tables, user }),
  );
  return [...new Set(uses)];
}

interface Given {
  readonly rows: RowNames;
  readonly tables: Tables;
  readonly user: RowUser;
}

function usesInStatement({ tree, returned, variables }: BodyStatement, { rows: names, tables, user }: Given): RowUse[] {
  const rows = new Rows(tree, tables, names);
  const isWhole = rows.queryGives(tree);
  return [
    ...(nodesOf(tree, 'InsertStmt') as InsertStatement[]).flatMap((insert) => usesInInsert(insert, rows, tables, user)),
    ...nodesOf(tree, 'MergeStmt').flatMap((merge) => usesInMerge(merge, rows, tables, user)),
    ...nodesOf(tree, 'SelectStmt').flatMap(({ op, larg, rarg }) =>
      op !== undefined &&
      op !== 'SETOP_NONE' &&
      [larg, rarg].filter((side) => rows.yields(side as SqlNode)).length === 1
        ? ['it unites whole rows of the table with others']
        : [],
    ),
    ...(returned && isWhole && !user.returnsRows ? ['it returns whole rows of the table as other columns'] : []),
    ...(variables > 0 && isWhole ? ['it reads whole rows of the table into variables one by one'] : []),
  ];
}

function usesInInsert(
  { relation, cols, selectStmt }: InsertStatement,
  rows: Rows,
  tables: Tables,
  { isLastColumn }: RowUser,
): RowUse[] {
  const source = selectStmt?.SelectStmt;
  if (source === undefined) return [];
  const into = String(relation?.relname ?? '');
  const isOwn = isTable((relation ?? {}) as Record<string, string>, tables);
  const isWhole = rows.yields(source);
  if (isOwn)
    return cols === undefined && !isWhole && !(isLastColumn && isFirst(relation, tables))
      ? ['it inserts into the table without naming the columns']
      : [];
  return isWhole ? [`it inserts whole rows of the table into ${into}`] : [];
}

/** The table itself: in its partitions and children the column may have another place. */
function isFirst(relation: SqlNode | undefined, [table]: Tables): boolean {
  return table !== undefined && isTable((relation ?? {}) as Record<string, string>, [table]);
}

function usesInMerge(merge: SqlNode, rows: Rows, tables: Tables, { isLastColumn }: RowUser): RowUse[] {
  const isOwn = isTable((merge.relation ?? {}) as Record<string, string>, tables);
  const inserted = nodesOf(merge.mergeWhenClauses, 'MergeWhenClause').filter(
    ({ commandType, targetList }) => commandType === 'CMD_INSERT' && targetList === undefined,
  );
  return inserted.flatMap(({ values }) => {
    const isWhole = rows.yields({ targetList: values, fromClause: [merge.sourceRelation] });
    if (isOwn)
      return isWhole || (isLastColumn && isFirst(merge.relation as SqlNode, tables))
        ? []
        : ['it inserts into the table without naming the columns'];
    return isWhole ? [`it inserts whole rows of the table into ${(merge.relation as SqlNode).relname}`] : [];
  });
}

/** Which parts of one statement give whole rows of the table. */
class Rows {
  readonly #withs: ReadonlyMap<string, SqlNode>;
  readonly #tables: Tables;
  readonly #names: RowNames;
  /** Queries of WITH that are being looked into: in its own text such a name is the table's. */
  readonly #within = new Set<string>();

  constructor(tree: SqlNode, tables: Tables, names: RowNames) {
    this.#tables = tables;
    this.#names = names;
    this.#withs = new Map(
      nodesOf(tree, 'CommonTableExpr').map(({ ctename, ctequery }) => [String(ctename), ctequery as SqlNode]),
    );
  }

  /** Whether a query's columns are, among others, all of the table's by their order. */
  yields(select: SqlNode | undefined): boolean {
    if (select === undefined || select === null) return false;
    if (select.larg !== undefined) return this.yields(select.larg as SqlNode) || this.yields(select.rarg as SqlNode);
    const lists = (select.valuesLists ?? []) as { readonly List?: { readonly items?: readonly unknown[] } }[];
    const items = [...((select.targetList ?? []) as unknown[]), ...lists.flatMap(({ List }) => List?.items ?? [])];
    return items.some((item) => this.#isStar(item, (select.fromClause ?? []) as unknown[]));
  }

  #isStar(item: unknown, from: readonly unknown[]): boolean {
    const value = (item as { ResTarget?: { val?: SqlNode } }).ResTarget?.val ?? (item as SqlNode);
    const indirection = value?.A_Indirection as { arg?: SqlNode; indirection?: readonly SqlNode[] } | undefined;
    if (indirection !== undefined) {
      if (!(indirection.indirection ?? []).some((part) => 'A_Star' in part)) return false;
      return (
        nodesOf(indirection.arg, 'ColumnRef').some((reference) => this.#isRow(pathOf(reference).at(-1), from)) ||
        nodesOf(indirection.arg, 'ParamRef').some(({ number }) => this.#names.isPlace(Number(number)))
      );
    }
    const reference = value?.ColumnRef as SqlNode | undefined;
    if (reference === undefined || nodesOf(reference, 'A_Star').length === 0) return false;
    const qualifier = pathOf(reference).at(-1);
    return qualifier === undefined ? from.some((part) => this.#gives(part)) : this.#isRow(qualifier, from);
  }

  /** A row by the name that it has in the statement: NEW, OLD, or a table's. */
  #isRow(name: string | undefined, from: readonly unknown[]): boolean {
    if (name === undefined) return false;
    const parts = from.flatMap(partsOf).filter((part) => calledIn(part) === name);
    return parts.length > 0 ? parts.some((part) => this.#gives(part)) : this.#names.holdsRow(name) === 'certain';
  }

  /** Whether a part of FROM gives rows of the table: itself, a subquery, or a WITH that does. */
  #gives(part: unknown): boolean {
    const { RangeVar, RangeSubselect, JoinExpr } = part as Record<string, SqlNode | undefined>;
    if (JoinExpr !== undefined) return this.#gives(JoinExpr.larg) || this.#gives(JoinExpr.rarg);
    if (RangeSubselect !== undefined) {
      return this.yields((RangeSubselect.subquery as { SelectStmt?: SqlNode } | undefined)?.SelectStmt);
    }
    if (RangeVar === undefined) return false;
    const name = String(RangeVar.relname);
    const query = RangeVar.schemaname === undefined ? this.#withs.get(name) : undefined;
    if (query === undefined || this.#within.has(name)) return isTable(RangeVar as Record<string, string>, this.#tables);
    this.#within.add(name);
    const gives = this.queryGives(query);
    this.#within.delete(name);
    return gives;
  }

  /** Whether what a statement returns is, among others, all of the table's columns. */
  queryGives(query: SqlNode): boolean {
    if (query.SelectStmt !== undefined) return this.yields(query.SelectStmt as SqlNode);
    const [written] = Object.values(query) as SqlNode[];
    const { relation, returningList, returningClause, fromClause, usingClause, sourceRelation } = written ?? {};
    const returned = (returningList ?? (returningClause as SqlNode | undefined)?.exprs ?? []) as unknown[];
    const from = [{ RangeVar: relation }, ...[fromClause, usingClause, sourceRelation].flat()];
    const there = from.filter((part) => part !== undefined && part !== null);
    return relation !== undefined && returned.some((item) => this.#isStar(item, there));
  }
}

/** A part of FROM, and those that it joins. */
function partsOf(part: unknown): unknown[] {
  const { JoinExpr } = part as { readonly JoinExpr?: SqlNode };
  return JoinExpr === undefined ? [part] : [part, ...partsOf(JoinExpr.larg), ...partsOf(JoinExpr.rarg)];
}

function calledIn(part: unknown): string | undefined {
  const { RangeVar, RangeSubselect, JoinExpr } = part as Record<
    string,
    { alias?: { aliasname?: string }; relname?: string } | undefined
  >;
  const named = RangeVar ?? RangeSubselect ?? JoinExpr;
  return named?.alias?.aliasname ?? named?.relname;
}
