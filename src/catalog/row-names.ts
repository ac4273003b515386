import { type Body, nodesOf, type SqlNode } from './bodies.ts';
import { type ColumnUse, type FunctionFacts, isTable, pathOf, type Relation, type Tables } from './references.ts';

/** Which names stand for rows of a table in a function: NEW and OLD, arguments, variables, and records that its rows are read into. */
export class RowNames {
  readonly #body: Body;
  readonly #tables: Tables;
  readonly #facts: Omit<FunctionFacts, 'mentioned'>;

  constructor(body: Body, tables: Tables, facts: Omit<FunctionFacts, 'mentioned'>) {
    this.#body = body;
    this.#tables = tables;
    this.#facts = facts;
  }

  /** Whether a name stands for a row of the table; `possible` where nothing tells what is put into it. */
  holdsRow(name: string): ColumnUse {
    const { isTriggerOfTable, rowArguments } = this.#facts;
    if (name === 'new' || name === 'old') return isTriggerOfTable ? 'certain' : 'none';
    const type = this.#body.rowTypes.get(name);
    if (type !== undefined && type !== 'record') return this.#isRowType(type) ? 'certain' : 'none';
    if (rowArguments.some((argument) => argument.name === name)) return 'certain';
    const read = this.#body.statements.filter(({ record }) => record === name);
    if (read.some(({ tree }) => this.#readsStar(tree))) return 'certain';
    return read.length === 0 || read.some(({ tree }) => nodesOf(tree, 'RangeFunction').length > 0)
      ? 'possible'
      : 'none';
  }

  /** Whether the argument of a place, from 1, is a row of the table. */
  isPlace(place: number): boolean {
    return this.#facts.rowArguments.some((argument) => argument.place === place);
  }

  #isRowType(type: string): boolean {
    return this.#tables.some(({ schema, name }) => type === name || type === `${schema}.${name}`);
  }

  /** Whether a statement reads all columns of the table, whatever else it reads. */
  #readsStar(tree: SqlNode): boolean {
    const relations = [...nodesOf(tree, 'RangeVar'), ...nodesOf(tree, 'relation')] as Relation[];
    const own = relations.filter((relation) => isTable(relation, this.#tables));
    const names = own.map(({ alias, relname }) => alias?.aliasname ?? relname);
    const stars = nodesOf(tree, 'ColumnRef').filter((reference) => nodesOf(reference, 'A_Star').length > 0);
    return stars.map(pathOf).some((path) => own.length > 0 && (path.length === 0 || names.includes(path.at(-1))));
  }
}
