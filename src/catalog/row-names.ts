import type { Body } from './bodies.ts';
import { type ColumnUse, isTable, pathOf, type Relation, type RowFacts, type Tables } from './references.ts';
import { nodesOf, type SqlNode, toList } from './sql-trees.ts';

/** Which names stand for rows of a table in a function: NEW and OLD, arguments, variables, and records that its rows are read into. */
export class RowNames {
  readonly #body: Body;
  readonly #tables: Tables;
  readonly #facts: RowFacts;
  /** Variables that are being looked into: some are given to each other in turn. */
  readonly #within = new Set<string>();

  constructor(body: Body, tables: Tables, facts: RowFacts) {
    this.#body = body;
    this.#tables = tables;
    this.#facts = facts;
  }

  /** Whether a name stands for a row of the table; `possible` where nothing tells what is put into it. */
  holdsRow(called: string): ColumnUse {
    const name = this.#body.aliases.get(called) ?? called;
    if (name === 'new' || name === 'old') return this.#facts.isTriggerOfTable ? 'certain' : 'none';
    if (this.#isArgument(name)) return 'certain';
    const kind = this.kindOf(name);
    if (kind !== 'record') return kind === 'row' ? 'certain' : kind === 'mixed' ? 'possible' : 'none';
    if (this.#within.has(name)) return 'none';
    this.#within.add(name);
    const held = this.#isReadInto(name);
    this.#within.delete(name);
    return held;
  }

  /** What a variable is declared as: a row of the table, something else, both in different blocks, or a record that may hold any row. */
  kindOf(called: string): 'row' | 'other' | 'mixed' | 'record' {
    const name = this.#body.aliases.get(called) ?? called;
    if (name === 'new' || name === 'old') return this.#facts.isTriggerOfTable ? 'row' : 'record';
    const types = this.#body.variables.get(name) ?? ['record'];
    // What the parser says of an argument whose type only the catalogue knows.
    const isOf = (type: string): boolean => this.isRowType(type) || (type === 'record' && this.#isArgument(name));
    const rows = types.filter(isOf).length;
    if (rows > 0) return rows === types.length ? 'row' : 'mixed';
    return types.includes('record') ? 'record' : 'other';
  }

  #isArgument(name: string): boolean {
    return this.#facts.rowArguments.some((argument) => name === argument.name || name === `$${argument.place}`);
  }

  /** Whether the argument of a place, from 1, is a row of the table. */
  isPlace(place: number): boolean {
    return this.#facts.rowArguments.some((argument) => argument.place === place);
  }

  isRowType(type: string): boolean {
    return this.#tables.some(
      ({ schema, name, hidden }) => (hidden !== true && type === name) || type === `${schema}.${name}`,
    );
  }

  #isReadInto(name: string): ColumnUse {
    const read = this.#body.statements.filter(({ record }) => record === name);
    if (read.some(({ tree }) => this.#readsRow(tree))) return 'certain';
    return read.length === 0 || read.some(({ tree }) => nodesOf(tree, 'RangeFunction').length > 0)
      ? 'possible'
      : 'none';
  }

  /** Whether a statement reads all columns of the table, whatever else it reads, or one that is a row of it. */
  #readsRow(tree: SqlNode): boolean {
    const relations = [...nodesOf(tree, 'RangeVar'), ...nodesOf(tree, 'relation')] as Relation[];
    const own = relations.filter((relation) => isTable(relation, this.#tables));
    const names = own.map(({ alias, relname }) => alias?.aliasname ?? relname);
    const stars = nodesOf(tree, 'ColumnRef').filter((reference) => nodesOf(reference, 'A_Star').length > 0);
    if (stars.map(pathOf).some((path) => own.length > 0 && (path.length === 0 || names.includes(path.at(-1)))))
      return true;
    const [value, ...others] = toList((tree.SelectStmt as SqlNode | undefined)?.targetList);
    const { ColumnRef, ParamRef } = ((value?.ResTarget as SqlNode | undefined)?.val ?? {}) as Record<string, SqlNode>;
    if (others.length > 0) return false;
    if (ParamRef !== undefined) return this.isPlace(Number(ParamRef.number));
    const [name, ...rest] = ColumnRef === undefined ? [] : pathOf(ColumnRef);
    return name !== undefined && rest.length === 0 && (names.includes(name) || this.holdsRow(name) === 'certain');
  }
}
