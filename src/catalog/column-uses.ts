import { patternOf } from '../domain/pattern.ts';
import type { Body } from './bodies.ts';
import { type ColumnUse, type FunctionFacts, isTable, pathOf, type Relation, type Tables } from './references.ts';
import { RowNames } from './row-names.ts';
import { functionOf } from './rows.ts';
import { nodesOf, type SqlNode, toList } from './sql-trees.ts';

/**
 * What a function does with a column of a table. The body's own names decide, not the text: a column of another table that has
 * the name, or a type taken from one, are none; a word in a string may be run.
 * @param body null where it could not be taken apart.
 */
export function useOf(
  { mentioned, isTriggerOfTable, rowArguments, holders }: FunctionFacts,
  body: Body | null,
  tables: Tables,
  column: string,
): ColumnUse {
  if (body === null) return mentioned ? 'possible' : 'none';
  if (body.statements.some(({ tree }) => joinsNaturally(tree, tables, holders))) return 'certain';
  if (!mentioned) return 'none';
  if (body.takenTypes.some((type) => isTypeOf(type, tables, column))) return 'certain';
  const rows = new RowNames(body, tables, { isTriggerOfTable, rowArguments });
  const uses = [
    ...body.fields.filter(({ name }) => name === column).map(({ record }) => rows.holdsRow(record)),
    ...body.statements.map(({ tree }) => (namesField(tree, column, rows) ? 'certain' : 'none')),
    ...body.statements.map(({ tree }) => useInStatement(tree, tables, column, body)),
  ];
  if (uses.includes('certain')) return 'certain';
  const isInText = body.texts.some((text) => wordOf(column).test(text));
  return isInText || uses.includes('possible') ? 'possible' : 'none';
}

/** A name with nothing of a name on either side. */
export function wordOf(name: string): RegExp {
  return new RegExp(`(?<![\\w$])${patternOf(name)}(?![\\w$])`, 'iu');
}

function isTypeOf(type: string, tables: Tables, column: string): boolean {
  const [taken] = type.split('%');
  return tables
    .flatMap(({ schema, name }) => [`${name}.${column}`, `${schema}.${name}.${column}`])
    .some((path) => path.toLowerCase() === taken);
}

/** `row.column`, `(row).column` and `($1).column`, where the row is one of the table's. */
function namesField(tree: SqlNode, column: string, rows: RowNames): boolean {
  const isRow = (name: string | undefined): boolean => name !== undefined && rows.holdsRow(name) === 'certain';
  return (
    nodesOf(tree, 'ColumnRef').some((reference) => {
      const path = pathOf(reference);
      return path.at(-1) === column && path.length > 1 && isRow(path.at(-2));
    }) ||
    nodesOf(tree, 'A_Indirection').some(({ arg, indirection }) => {
      const [field] = nodesOf(indirection, 'String').map(({ sval }) => sval);
      const { ColumnRef, ParamRef } = (arg ?? {}) as Record<string, SqlNode | undefined>;
      if (field !== column) return false;
      if (ParamRef !== undefined) return rows.isPlace(Number(ParamRef.number));
      return ColumnRef !== undefined && isRow(pathOf(ColumnRef).at(-1));
    })
  );
}

/** Tables that a statement names, those of its WITH left out; and what each is called in it. */
function relationsOf(tree: SqlNode): Relation[] {
  const withs = new Set(nodesOf(tree, 'CommonTableExpr').map(({ ctename }) => ctename));
  const written = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'].flatMap((kind) =>
    nodesOf(tree, kind).map(({ relation }) => relation as Relation),
  );
  return [...(nodesOf(tree, 'RangeVar') as Relation[]), ...written].filter(
    ({ relname, schemaname }) => schemaname !== undefined || !withs.has(relname),
  );
}

function useInStatement(tree: SqlNode, tables: Tables, column: string, { variables }: Body): ColumnUse {
  const relations = relationsOf(tree);
  const own = relations.filter((relation) => isTable(relation, tables));
  if (own.length === 0) return 'none';
  const names = new Set(own.map(({ alias, relname }) => alias?.aliasname ?? relname));
  const joins = nodesOf(tree, 'JoinExpr').filter((join) =>
    nodesOf(join, 'RangeVar').some((relation) => isTable(relation as Relation, tables)),
  );
  if (assigns(tree, tables, column) || joins.some((join) => joinsBy(join, column))) return 'certain';
  if (takesField(tree, column, names) || callsField(tree, column, names)) return 'certain';
  const derived = derivedNames(tree);
  const isAlone = own.length === relations.length && nodesOf(tree, 'RangeFunction').length === 0;
  const uses = nodesOf(tree, 'ColumnRef').map((reference): ColumnUse => {
    const path = pathOf(reference);
    if (path.at(-1) !== column) return 'none';
    if (path.length === 1) return isAlone && !variables.has(column) ? 'certain' : 'possible';
    const qualifier = path.at(-2) ?? '';
    if (!names.has(qualifier)) return derived.has(qualifier) ? 'possible' : 'none';
    // Another table may go by the same alias in another part of the statement.
    const others = relations.filter((relation) => (relation.alias?.aliasname ?? relation.relname) === qualifier);
    return others.every((relation) => isTable(relation, tables)) ? 'certain' : 'possible';
  });
  if (uses.includes('certain')) return 'certain';
  // A natural join is by whatever columns both sides have.
  return uses.includes('possible') || joins.some(({ isNatural }) => isNatural === true) ? 'possible' : 'none';
}

/** Whether the table is joined to another one that has the column, by all that they have in common. */
function joinsNaturally(tree: SqlNode, tables: Tables, holders: ReadonlySet<string>): boolean {
  return nodesOf(tree, 'JoinExpr').some((join) => {
    const relations = nodesOf([join.larg, join.rarg], 'RangeVar') as Relation[];
    const [own, others] = [true, false].map((wanted) => relations.filter((one) => isTable(one, tables) === wanted));
    return join.isNatural === true && own?.length !== 0 && others?.some(({ relname }) => holders.has(relname ?? ''));
  });
}

/** Whether tables are joined by the column: `USING (column)`. */
function joinsBy({ usingClause }: SqlNode, column: string): boolean {
  return nodesOf(usingClause, 'String').some(({ sval }) => sval === column);
}

/** `(users).column` */
function takesField(tree: SqlNode, column: string, names: ReadonlySet<string | undefined>): boolean {
  return nodesOf(tree, 'A_Indirection').some(({ arg, indirection }) => {
    const { ColumnRef } = (arg ?? {}) as { readonly ColumnRef?: SqlNode };
    const [field] = nodesOf(indirection, 'String').map(({ sval }) => sval);
    return field === column && ColumnRef !== undefined && names.has(pathOf(ColumnRef).at(-1));
  });
}

/** `column(users)`, which is the same. */
function callsField(tree: SqlNode, column: string, names: ReadonlySet<string | undefined>): boolean {
  return nodesOf(tree, 'FuncCall').some((call) => {
    const [row, ...others] = toList(call.args);
    const { ColumnRef } = (row ?? {}) as { readonly ColumnRef?: SqlNode };
    const path = ColumnRef === undefined ? [] : pathOf(ColumnRef);
    return functionOf(call) === column && others.length === 0 && path.length === 1 && names.has(path[0]);
  });
}

/** Names of subqueries, of joins, and of queries of WITH and what these are called: the columns of the table may come through them. */
function derivedNames(tree: SqlNode): Set<string> {
  const withs = nodesOf(tree, 'CommonTableExpr').map(({ ctename }) => String(ctename));
  const aliased = ['RangeSubselect', 'JoinExpr', 'RangeVar'].flatMap((kind) =>
    nodesOf(tree, kind)
      .filter((part) => kind !== 'RangeVar' || withs.includes(String(part.relname)))
      .flatMap(({ alias }) => (alias as { readonly aliasname?: string } | undefined)?.aliasname ?? []),
  );
  return new Set([...withs, ...aliased]);
}

/** Whether a statement writes the column of that very table, or looks for conflicts on it. */
function assigns(tree: SqlNode, tables: Tables, column: string): boolean {
  const targets = (list: unknown): string[] =>
    ((list ?? []) as { readonly ResTarget?: { readonly name?: string } }[]).flatMap(
      ({ ResTarget }) => ResTarget?.name ?? [],
    );
  const isOwn = ({ relation }: SqlNode): boolean => isTable((relation ?? {}) as Relation, tables);
  const inserts = nodesOf(tree, 'InsertStmt').filter(isOwn);
  const conflicts = inserts.map(({ onConflictClause }) => onConflictClause as SqlNode | undefined);
  return [
    ...inserts.flatMap(({ cols }) => targets(cols)),
    ...nodesOf(tree, 'UpdateStmt')
      .filter(isOwn)
      .flatMap(({ targetList }) => targets(targetList)),
    ...nodesOf(tree, 'MergeStmt')
      .filter(isOwn)
      .flatMap(({ mergeWhenClauses }) => nodesOf(mergeWhenClauses, 'MergeWhenClause'))
      .flatMap(({ targetList }) => targets(targetList)),
    ...conflicts.flatMap((clause) => [
      ...targets(clause?.targetList),
      ...nodesOf(clause?.infer, 'IndexElem').map(({ name }) => String(name)),
    ]),
  ].includes(column);
}
