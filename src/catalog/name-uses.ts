import type { Body } from './bodies.ts';
import { isTable, pathOf, type Relation, type Tables } from './references.ts';
import { RowNames } from './row-names.ts';
import { calledIn, expressionOf, partsOf, Rows } from './rows.ts';
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
      return new NameSearch(wanted, rows).within(tree, { withs: new Map(), sees: false });
    })
  );
}

/** Where in a statement something is. */
interface Place {
  /** Queries of WITH, which hide tables, and whether they have a column of the name. */
  readonly withs: ReadonlyMap<string, boolean>;
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
    const withs = this.#withsOf(withClause, outer);
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
  #isNamedTwice({ targetList, fromClause }: SqlNode, withs: Place['withs']): boolean {
    const from = toList(fromClause);
    const items = toList(targetList);
    if (!items.some((item) => this.#rows.isStar(item, from))) return false;
    return items.some((item) => {
      const all = starOf(item);
      return all === null ? nameOf(item) === this.#wanted.name : this.#holds(partsCalled(from, all), withs);
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
      const isByName = nodesOf(JoinExpr.usingClause, 'String').some(({ sval }) => sval === this.#wanted.name);
      const isMet = isByName || (JoinExpr.isNatural === true && this.#holds(sides, place.withs));
      if (isMet && this.#gives(sides)) return true;
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
    const withs = this.#withsOf(withClause, outer);
    return (
      this.within([withClause, selectStmt], { withs, sees }) ||
      this.within(rest, { withs, sees: sees || isTable((relation ?? {}) as SqlNode, this.#wanted.tables) })
    );
  }

  #inWrite(written: SqlNode, { withs: outer, sees }: Place): boolean {
    const { relation, withClause, fromClause, usingClause, sourceRelation, ...rest } = written;
    const withs = this.#withsOf(withClause, outer);
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

  /** Whether a list of FROM has something in it that has a column of the name already. */
  #holds(from: unknown, withs: Place['withs']): boolean {
    return toList(from).some((part) => {
      const { RangeVar, RangeSubselect, RangeFunction, JoinExpr } = part as Record<string, SqlNode | undefined>;
      if (JoinExpr !== undefined) return this.#holds([JoinExpr.larg, JoinExpr.rarg], withs);
      const named = (RangeSubselect ?? RangeFunction)?.alias as Relation['alias'];
      if (this.#isAmong(named?.colnames)) return true;
      if (RangeSubselect !== undefined) {
        return named?.colnames === undefined && this.#returns(RangeSubselect.subquery as SqlNode, withs);
      }
      if (RangeFunction !== undefined) {
        // What a function gives as one column is called like itself.
        const columns = nodesOf(RangeFunction.coldeflist, 'ColumnDef').map(({ colname }) => colname);
        return [...columns, named?.aliasname].includes(this.#wanted.name);
      }
      const name = String(RangeVar?.relname);
      return withs.get(name) ?? this.#wanted.holders.has(name);
    });
  }

  #isAmong(names: unknown): boolean {
    return nodesOf(names, 'String').some(({ sval }) => sval === this.#wanted.name);
  }

  /** Whether a query has a result of the name. */
  #returns(query: SqlNode, withs: Place['withs']): boolean {
    const [statement] = Object.values(query) as SqlNode[];
    if (statement === undefined) return false;
    if (statement.larg !== undefined) return this.#returns({ SelectStmt: statement.larg }, withs);
    const from = toList(statement.fromClause);
    const results = toList(statement.targetList ?? (statement.returningClause as SqlNode | undefined)?.exprs);
    return results.some((item) => {
      const all = starOf(item);
      return all === null ? nameOf(item) === this.#wanted.name : this.#holds(partsCalled(from, all), withs);
    });
  }

  #withsOf(withClause: unknown, outer: Place['withs']): Place['withs'] {
    const withs = new Map(outer);
    for (const { ctename, aliascolnames, ctequery } of nodesOf(withClause, 'CommonTableExpr')) {
      const holds =
        aliascolnames === undefined ? this.#returns(ctequery as SqlNode, withs) : this.#isAmong(aliascolnames);
      withs.set(String(ctename), holds);
    }
    return withs;
  }
}

/** What a result is called: by its alias, or after the column that it is. */
function nameOf(item: SqlNode): string | undefined {
  const { ColumnRef } = expressionOf(item) as Record<string, SqlNode | undefined>;
  const { name } = (item.ResTarget ?? {}) as { readonly name?: string };
  return name ?? (ColumnRef === undefined ? undefined : pathOf(ColumnRef).at(-1));
}

/** Of `u.*` what stands before the star, of `*` nothing; null for any other result. */
function starOf(item: SqlNode): readonly string[] | null {
  const { ColumnRef } = expressionOf(item) as Record<string, SqlNode | undefined>;
  return ColumnRef !== undefined && nodesOf(ColumnRef, 'A_Star').length > 0 ? pathOf(ColumnRef) : null;
}

/** The parts of FROM that a star is of. */
function partsCalled(from: readonly SqlNode[], path: readonly string[]): readonly SqlNode[] {
  return path.length === 0 ? from : from.flatMap(partsOf).filter((part) => calledIn(part) === path.at(-1));
}
