import type { Body, BodyStatement } from './bodies.ts';
import { isTable, type Relation, type Tables } from './references.ts';
import { RowNames } from './row-names.ts';
import { type RowUser, textsUseRows } from './row-uses.ts';
import { expressionOf, functionOf, Rows } from './rows.ts';
import { nodesOf, type SqlNode, toList } from './sql-trees.ts';

/** Functions that take a row by the names of its fields, or only count it. */
const BY_NAME = /^(to_jsonb?|row_to_json|jsonb?_agg|jsonb?_build_object|jsonb?_populate_record(set)?|hstore|count)$/;

/**
 * Whether a function makes something of whole rows of the table of which its text does not tell that the order and number of the columns do not
 * matter: for people to look at. What is known to depend on them is not looked for here.
 */
export function doubtsRows(body: Body, tables: Tables, user: RowUser): boolean {
  const names = new RowNames(body, tables, user);
  const types = [...body.variables.values()].flat();
  if (types.some((type) => type.endsWith(']') && names.isRowType(type.replace(/\s*\[.*/, '')))) return true;
  if (textsUseRows(body, tables, user)) return true;
  return body.statements.some((statement) => {
    if (isMadeLike(statement.tree, tables)) return true;
    const rows = new Rows(statement.tree, { tables, names, rowFunctions: user.rowFunctions });
    return new Doubts(rows, user).inStatement(statement);
  });
}

/** `CREATE TEMPORARY TABLE ... (LIKE users)`: what is put into it may go by the order of its columns. */
function isMadeLike(tree: SqlNode, tables: Tables): boolean {
  return nodesOf(tree, 'TableLikeClause').some(({ relation }) => isTable((relation ?? {}) as Relation, tables));
}

class Doubts {
  readonly #rows: Rows;
  readonly #user: RowUser;

  constructor(rows: Rows, user: RowUser) {
    this.#rows = rows;
    this.#user = user;
  }

  /** The result itself is taken as a row: by a variable, by the caller, or by nobody. */
  inStatement({ tree, record, returned }: BodyStatement): boolean {
    const select = tree.SelectStmt as SqlNode | undefined;
    if (select === undefined || !(record !== null || returned)) return this.#in(tree, []);
    const from = toList(select.fromClause);
    const [value, ...others] = toList(select.targetList).map(expressionOf);
    const isRow = others.length === 0 && value !== undefined && this.#rows.isRow(value, from);
    return this.#in(isRow ? { SelectStmt: { ...select, targetList: [] } } : tree, []);
  }

  #in(node: unknown, from: readonly SqlNode[]): boolean {
    if (typeof node !== 'object' || node === null) return false;
    if (Array.isArray(node)) return node.some((item) => this.#in(item, from));
    return Object.entries(node).some(([kind, value]) => this.#inPart(kind, value as SqlNode, from));
  }

  #inPart(kind: string, value: SqlNode, from: readonly SqlNode[]): boolean {
    if (['SelectStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'].includes(kind)) return this.#inQuery(value, from);
    if (kind === 'CreateTableAsStmt' && this.#rows.queryGives(value.query as SqlNode)) return true;
    if (kind === 'ColumnRef') return this.#isRow({ ColumnRef: value }, from);
    if (kind === 'ResTarget' || kind === 'List') {
      const items = kind === 'List' ? toList(value.items) : toList(value.val);
      return items.some((item) => !this.#rows.isStar(item, from) && this.#in(item, from));
    }
    if (kind === 'FuncCall' && this.#takesRows(value)) {
      return toList(value.args).some((arg) => !this.#isTaken(value, arg, from) && this.#in(arg, from));
    }
    if (kind === 'NullTest' && this.#isRow(value.arg as SqlNode, from)) return false;
    if (kind === 'A_Expr' && [value.lexpr, value.rexpr].every((side) => this.#isRow(side as SqlNode, from)))
      return false;
    if (kind === 'TypeCast' && this.#rows.isRowType(value.typeName as SqlNode)) return !isNull(value.arg as SqlNode);
    if (kind === 'A_Indirection' && this.#isRow(value.arg as SqlNode, from)) return false;
    return this.#in(value, from);
  }

  #inQuery(query: SqlNode, outer: readonly SqlNode[]): boolean {
    const relation = query.relation === undefined ? [] : [{ RangeVar: query.relation }];
    const read = [query.fromClause, query.usingClause, query.sourceRelation].flatMap(toList);
    return this.#in(query, [...relation, ...read, ...outer]);
  }

  /** `ROW(u.*)` has no names: in JSON its fields are f1, f2, and so on. */
  #isTaken(call: SqlNode, arg: SqlNode, from: readonly SqlNode[]): boolean {
    return this.#isRow(arg, from) && !('RowExpr' in arg && /json/.test(functionOf(call)));
  }

  #takesRows(call: SqlNode): boolean {
    return BY_NAME.test(functionOf(call)) || this.#user.rowTakers.has(functionOf(call));
  }

  /** A row of the table in any form, `u`, `u.*`, `ROW(u.*)`; what is only cast to one is looked at by itself. */
  #isRow(value: SqlNode | undefined, from: readonly SqlNode[]): boolean {
    if (value === undefined || 'TypeCast' in value) return false;
    const [item, ...others] = toList((value.RowExpr as SqlNode | undefined)?.args);
    return item !== undefined && others.length === 0
      ? this.#isRow(item, from)
      : this.#rows.isRow(value, from) || this.#rows.isStar(value, from);
  }
}

function isNull(value: SqlNode | undefined): boolean {
  return nodesOf(value, 'A_Const').some(({ isnull }) => isnull === true);
}
