import type { Body } from './bodies.ts';
import { isTable, pathOf, type Tables } from './references.ts';
import { RowNames } from './row-names.ts';
import { expressionOf, Rows } from './rows.ts';
import { nodesAtTop, nodesOf, type SqlNode, toList } from './sql-trees.ts';

/** What is looked for: a name, and the tables that are to have a column of that name. */
export interface Wanted {
  readonly tables: Tables;
  readonly name: string;
  /** Names of relations that have a column of that name. */
  readonly holders: ReadonlySet<string>;
  /** Names of functions that return rows of the table. */
  readonly rowFunctions: ReadonlySet<string>;
}

/**
 * Whether a function names something by a name alone where a table's columns can be meant: a variable, an argument or a column
 * of another table. Once the table has a column of that name it is ambiguous, or means that column without a word.
 */
export function usesNameAlone(body: Body, source: string, wanted: Wanted): boolean {
  const prefersVariables = /^\s*#variable_conflict\s+use_variable/im.test(source) && body.variables.has(wanted.name);
  const names = new RowNames(body, wanted.tables, { isTriggerOfTable: false, rowArguments: [] });
  return (
    !prefersVariables &&
    body.statements.some(({ tree }) => {
      const rows = new Rows(tree, { ...wanted, names });
      return new NameSearch(wanted, rows).within(tree, { withs: new Set(), sees: false });
    })
  );
}

/** Where in a statement something is. */
interface Place {
  /** Names of queries of WITH, which hide tables. */
  readonly withs: ReadonlySet<string>;
  /** Whether the table's columns can be meant here. */
  readonly sees: boolean;
}

class NameSearch {
  readonly #wanted: Wanted;
  readonly #rows: Rows;

  constructor(wanted: Wanted, rows: Rows) {
    this.#wanted = wanted;
    this.#rows = rows;
  }

  within(node: unknown, place: Place): boolean {
    if (typeof node !== 'object' || node === null) return false;
    if (Array.isArray(node)) return node.some((item) => this.within(item, place));
    return Object.entries(node).some(([kind, value]) => {
      if (kind === 'ColumnRef') return place.sees && this.#isNameAlone(value as SqlNode);
      if (kind === 'SelectStmt') return this.#inSelect(value as SqlNode, place);
      if (kind === 'InsertStmt') return this.#inInsert(value as SqlNode, place);
      if (kind === 'UpdateStmt' || kind === 'DeleteStmt' || kind === 'MergeStmt') {
        return this.#inWrite(value as SqlNode, place);
      }
      return this.within(value, place);
    });
  }

  #isNameAlone(reference: SqlNode): boolean {
    const path = pathOf(reference);
    return path.length === 1 && path[0] === this.#wanted.name && nodesOf(reference, 'A_Star').length === 0;
  }

  #inSelect(select: SqlNode, { withs: outer, sees }: Place): boolean {
    const { larg, rarg, withClause, fromClause, targetList, sortClause, distinctClause, ...rest } = select;
    const withs = withsOf(withClause, outer);
    const sides = [larg, rarg].filter((side) => side !== undefined);
    const inside = this.#behind(fromClause, { withs, sees });
    // What a result is called counts for more than a column, for these two.
    const isNamed = nodesAtTop(targetList, 'ResTarget').some(({ name }) => name === this.#wanted.name);
    const isResult = (node: SqlNode): boolean =>
      isNamed && node.ColumnRef !== undefined && this.#isNameAlone(node.ColumnRef as SqlNode);
    const ordered = [...nodesAtTop(sortClause, 'SortBy').map(({ node }) => node), ...toList(distinctClause)];
    const others = (ordered as SqlNode[]).filter((node) => !isResult(node));
    return (
      this.#isNamedTwice(select, withs) ||
      this.within(withClause, { withs: outer, sees }) ||
      sides.some((side) => this.#inSelect(side as SqlNode, { withs, sees })) ||
      this.#inFrom(fromClause, { withs, sees }) ||
      this.within([targetList, sides.length === 0 ? others : [], rest], inside)
    );
  }

  /** All columns of the table beside something of the name: two results would be called so. */
  #isNamedTwice({ targetList, fromClause }: SqlNode, withs: ReadonlySet<string>): boolean {
    const from = toList(fromClause);
    const items = toList(targetList);
    if (!items.some((item) => this.#rows.isStar(item, from))) return false;
    return items.some((item) => {
      const { ColumnRef } = expressionOf(item) as Record<string, SqlNode | undefined>;
      const { name = ColumnRef === undefined ? undefined : pathOf(ColumnRef).at(-1) } = (item.ResTarget ??
        {}) as SqlNode;
      const isAll = ColumnRef !== undefined && nodesOf(ColumnRef, 'A_Star').length > 0;
      return isAll ? pathOf(ColumnRef).length === 0 && this.#holds(from, withs) : name === this.#wanted.name;
    });
  }

  /**
   * Each part of FROM sees what stands before it, a subquery only where it is LATERAL; none sees itself, so that the argument of
   * a function that gives the table's columns is none of them.
   */
  #inFrom(from: unknown, place: Place, before: readonly unknown[] = []): boolean {
    return toList(from).some((part, index) => {
      const { RangeSubselect, JoinExpr } = part as Record<string, SqlNode | undefined>;
      const earlier = [...before, ...toList(from).slice(0, index)];
      if (RangeSubselect !== undefined) {
        return this.within(
          RangeSubselect.subquery,
          RangeSubselect.lateral === true ? this.#behind(earlier, place) : place,
        );
      }
      if (JoinExpr === undefined) return this.within(part, this.#behind(earlier, place));
      const sides = [JoinExpr.larg, JoinExpr.rarg];
      if (JoinExpr.isNatural === true && this.#gives(sides) && this.#holds(sides, place.withs)) return true;
      return this.#inFrom(sides, place, earlier) || this.within(JoinExpr.quals, this.#behind(sides, place));
    });
  }

  /** What can be meant where parts of FROM are seen: the innermost of the tables that have such a column. */
  #behind(from: unknown, { withs, sees }: Place): Place {
    return { withs, sees: this.#gives(from) || (sees && !this.#holds(from, withs)) };
  }

  /** The values of an INSERT do not see the table, its ON CONFLICT and RETURNING do. */
  #inInsert(insert: SqlNode, { withs: outer, sees }: Place): boolean {
    const { relation, withClause, selectStmt, cols: _cols, ...rest } = insert;
    const withs = withsOf(withClause, outer);
    return (
      this.within([withClause, selectStmt], { withs, sees }) ||
      this.within(rest, { withs, sees: sees || isTable((relation ?? {}) as SqlNode, this.#wanted.tables) })
    );
  }

  #inWrite(written: SqlNode, { withs: outer, sees }: Place): boolean {
    const { relation, withClause, fromClause, usingClause, sourceRelation, ...rest } = written;
    const withs = withsOf(withClause, outer);
    const from = [...toList(fromClause), ...toList(usingClause), ...toList(sourceRelation)];
    const own = sees || isTable((relation ?? {}) as SqlNode, this.#wanted.tables) || this.#gives(from);
    return (
      this.within(withClause, { withs: outer, sees }) ||
      this.#inFrom(from, { withs, sees }) ||
      this.within(rest, { withs, sees: own })
    );
  }

  /** Whether a list of FROM has the table itself in it, or a query with all of its columns. */
  #gives(from: unknown): boolean {
    return toList(from).some((part) => this.#rows.gives(part));
  }

  /** Whether a list of FROM has a table in it that has a column of the name already. */
  #holds(from: unknown, withs: ReadonlySet<string>): boolean {
    return toList(from).some((part) => {
      const { RangeVar, JoinExpr } = part as Record<string, SqlNode | undefined>;
      if (JoinExpr !== undefined) return this.#holds([JoinExpr.larg, JoinExpr.rarg], withs);
      if (RangeVar === undefined) return false;
      return !withs.has(String(RangeVar.relname)) && this.#wanted.holders.has(String(RangeVar.relname));
    });
  }
}

function withsOf(withClause: unknown, outer: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...outer, ...nodesOf(withClause, 'CommonTableExpr').map(({ ctename }) => String(ctename))]);
}
