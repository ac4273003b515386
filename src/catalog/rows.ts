import { isTable, pathOf, type Relation, type Tables } from './references.ts';
import type { RowNames } from './row-names.ts';
import { nodesAtTop, nodesOf, type SqlNode, toList } from './sql-trees.ts';

/** What one statement's queries are read with. */
export interface RowSources {
  readonly tables: Tables;
  readonly names: RowNames;
  /** Names of functions that return rows of the table. */
  readonly rowFunctions: ReadonlySet<string>;
}

/** Which parts of one statement give whole rows of the table. */
export class Rows {
  readonly #withs: ReadonlyMap<string, SqlNode>;
  readonly #sources: RowSources;
  /** Queries of WITH that are being looked into: in its own text such a name is the table's. */
  readonly #within = new Set<string>();

  constructor(tree: SqlNode, sources: RowSources) {
    this.#sources = sources;
    this.#withs = new Map(
      nodesOf(tree, 'CommonTableExpr').map(({ ctename, ctequery }) => [String(ctename), ctequery as SqlNode]),
    );
  }

  /** Whether a query's columns are, among others, all of the table's by their order. */
  yields(select: SqlNode | undefined): boolean {
    if (select === undefined || select === null) return false;
    if (select.larg !== undefined) return this.yields(select.larg as SqlNode) || this.yields(select.rarg as SqlNode);
    return itemsOf(select).some((item) => this.isStar(item, toList(select.fromClause)));
  }

  /** Whether what a statement returns is, among others, all of the table's columns. */
  queryGives(query: SqlNode): boolean {
    if (query.SelectStmt !== undefined) return this.yields(query.SelectStmt as SqlNode);
    const [written] = Object.values(query) as SqlNode[];
    const { relation, returningClause, fromClause, usingClause, sourceRelation } = written ?? {};
    const { exprs, options } = (returningClause ?? {}) as SqlNode;
    const returned = toList(exprs);
    // The rows before and after, `old.*` and `new.*`, or what WITH calls them.
    const versions = ['old', 'new', ...nodesAtTop(options, 'ReturningOption').map(({ value }) => value)];
    const from = [
      ...[relation, ...versions.map((aliasname) => ({ ...(relation as SqlNode), alias: { aliasname } }))].map(
        (RangeVar) => ({ RangeVar }),
      ),
      ...[fromClause, usingClause, sourceRelation].flatMap(toList),
    ];
    return relation !== undefined && returned.some((item) => this.isStar(item, from as SqlNode[]));
  }

  /** Whether a query's columns are all of another table or view. */
  yieldsOther({ targetList, fromClause }: SqlNode): boolean {
    const [item, ...others] = toList(targetList);
    const { ColumnRef } = (item === undefined ? {} : expressionOf(item)) as Record<string, SqlNode | undefined>;
    if (item === undefined || ColumnRef === undefined || others.length > 0) return false;
    if (nodesOf(ColumnRef, 'A_Star').length === 0 || this.isStar(item, toList(fromClause))) return false;
    const [name] = pathOf(ColumnRef).slice(-1);
    const parts = toList(fromClause)
      .flatMap(partsOf)
      .filter((part) => !('JoinExpr' in part) && (name === undefined || calledIn(part) === name));
    return (
      parts.length > 0 && parts.every(({ RangeVar }) => RangeVar !== undefined && !this.#isWith(RangeVar as Relation))
    );
  }

  /** Whether what a statement that writes returns is a row of values, or of another table. */
  returnsOther(query: SqlNode): boolean {
    const [written] = Object.values(query) as SqlNode[];
    const returned = toList((written?.returningClause as SqlNode | undefined)?.exprs);
    const isStarred = returned.some((item) => nodesOf(item, 'A_Star').length > 0);
    return isStarred ? returned.length === 1 && !this.queryGives(query) : returned.length > 1;
  }

  #isWith({ schemaname, relname }: Relation): boolean {
    return schemaname === undefined && this.#withs.has(relname ?? '');
  }

  /** Whether a part of FROM gives rows of the table: itself, a subquery, a WITH or a function that does. */
  gives(part: SqlNode): boolean {
    const { RangeVar, RangeSubselect, JoinExpr, RangeFunction, RangeTableSample } = part as Record<
      string,
      SqlNode | undefined
    >;
    if (RangeTableSample !== undefined) return this.gives(RangeTableSample.relation as SqlNode);
    if (JoinExpr !== undefined) return sidesOf(JoinExpr).some((side) => this.gives(side));
    if (RangeSubselect !== undefined) {
      return this.yields((RangeSubselect.subquery as { SelectStmt?: SqlNode } | undefined)?.SelectStmt);
    }
    if (RangeFunction !== undefined) return this.#isRowFunction(RangeFunction);
    if (RangeVar === undefined) return false;
    const name = String(RangeVar.relname);
    const query = RangeVar.schemaname === undefined ? this.#withs.get(name) : undefined;
    if (query === undefined || this.#within.has(name)) return isTable(RangeVar as Relation, this.#sources.tables);
    this.#within.add(name);
    const gives = this.queryGives(query);
    this.#within.delete(name);
    return gives;
  }

  /** Whether an expression is a row of the table as one value. */
  isRow(value: SqlNode | undefined, from: readonly SqlNode[]): boolean {
    const { ColumnRef, ParamRef, SubLink, TypeCast } = (value ?? {}) as Record<string, SqlNode | undefined>;
    if (ParamRef !== undefined) return this.#sources.names.isPlace(Number(ParamRef.number));
    if (ColumnRef !== undefined) {
      const path = pathOf(ColumnRef);
      const isField = path.length > 1 && this.#isNamed(path.slice(0, -1), from);
      return nodesOf(ColumnRef, 'A_Star').length === 0 && !isField && this.#isNamed(path, from);
    }
    if (TypeCast !== undefined) {
      const type = TypeCast.typeName as SqlNode;
      return type.arrayBounds === undefined && this.isRowType(type);
    }
    const select = (SubLink?.subselect as { SelectStmt?: SqlNode } | undefined)?.SelectStmt;
    const [item, ...others] = select === undefined ? [] : itemsOf(select);
    return item !== undefined && others.length === 0 && this.isRow(expressionOf(item), toList(select?.fromClause));
  }

  /** Of rows of the table, or an array of such. */
  isRowType(type: SqlNode | undefined): boolean {
    const names = nodesOf(type?.names, 'String').map(({ sval }) => String(sval));
    return this.#sources.names.isRowType(names.join('.'));
  }

  /** Whether an item of a list of results is all columns of the table: `*`, `u.*`, `(u).*`. */
  isStar(item: SqlNode, from: readonly SqlNode[]): boolean {
    const { A_Indirection, ColumnRef } = expressionOf(item) as Record<string, SqlNode | undefined>;
    if (A_Indirection !== undefined) {
      return (
        toList(A_Indirection.indirection).some((part) => 'A_Star' in part) &&
        this.isRow(A_Indirection.arg as SqlNode, from)
      );
    }
    if (ColumnRef === undefined || nodesOf(ColumnRef, 'A_Star').length === 0) return false;
    const path = pathOf(ColumnRef);
    return path.length === 0 ? from.some((part) => this.gives(part)) : this.#isNamed(path, from);
  }

  /** A row by the name that it has in the statement: NEW, OLD, or a table's; before it the name of a schema or a function may stand. */
  #isNamed(path: readonly string[], from: readonly SqlNode[]): boolean {
    const name = path.at(-1);
    if (name === undefined) return false;
    const parts = from.flatMap(partsOf).filter((part) => calledIn(part) === name);
    return parts.length > 0 ? parts.some((part) => this.gives(part)) : this.#sources.names.holdsRow(name) === 'certain';
  }

  /** By its name, or since it makes rows of the type of one that it is given: `jsonb_populate_record(NULL::users, ...)`. */
  #isRowFunction({ functions }: SqlNode): boolean {
    const [call] = nodesOf(functions, 'FuncCall');
    const isNamed = this.#sources.rowFunctions.has(functionOf(call));
    return isNamed || (functionOf(call).includes('populate_record') && this.isRow(toList(call?.args)[0], []));
  }
}

/** The name of a function that is called, without its schema. */
export function functionOf(call: SqlNode | undefined): string {
  return String(nodesOf(call?.funcname, 'String').at(-1)?.sval ?? '');
}

/** What a query returns, or its VALUES. */
export function itemsOf({ targetList, valuesLists }: SqlNode): readonly SqlNode[] {
  const lists = toList(valuesLists) as readonly { readonly List?: { readonly items?: unknown } }[];
  return [...toList(targetList), ...lists.flatMap(({ List }) => toList(List?.items))];
}

/** An item of a list of results, or a value, as an expression. */
export function expressionOf(item: SqlNode): SqlNode {
  return ((item.ResTarget as SqlNode | undefined)?.val ?? item) as SqlNode;
}

function sidesOf({ larg, rarg }: SqlNode): readonly SqlNode[] {
  return [larg, rarg] as SqlNode[];
}

/** A part of FROM, and those that it joins. */
export function partsOf(part: SqlNode): SqlNode[] {
  const { JoinExpr: join, RangeTableSample: sampled } = part as Record<string, SqlNode | undefined>;
  if (sampled !== undefined) return partsOf(sampled.relation as SqlNode);
  return join === undefined ? [part] : [part, ...sidesOf(join).flatMap(partsOf)];
}

/** What a part of FROM goes by. */
export function calledIn(part: SqlNode): string | undefined {
  const { RangeVar, RangeSubselect, JoinExpr, RangeFunction } = part as Record<
    string,
    { alias?: { aliasname?: string }; relname?: string } | undefined
  >;
  const named = RangeVar ?? RangeSubselect ?? JoinExpr ?? RangeFunction;
  return named?.alias?.aliasname ?? named?.relname;
}
