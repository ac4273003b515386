import type { QualifiedName } from '../domain/identifier.ts';
import { patternOf } from '../domain/pattern.ts';
import { type Body, nodesOf, type SqlNode } from './bodies.ts';

/** Whether a function uses a column: for certain, as far as its text can tell, or not at all. */
export type ColumnUse = 'certain' | 'possible' | 'none';

/**
 * What a function does with a column of a table. The body's own names decide, not the text: a column of another table that has
 * the name, or a type taken from one, are none; a word in a string may be run.
 * @param mentioned whether the text has the name at all; @param body null where it could not be taken apart.
 */
export function useOf(
  { mentioned, isTriggerOfTable }: { readonly mentioned: boolean; readonly isTriggerOfTable: boolean },
  body: Body | null,
  table: QualifiedName,
  column: string,
): ColumnUse {
  if (!mentioned) return 'none';
  if (body === null) return 'possible';
  if (isTriggerOfTable && body.rowFields.includes(column)) return 'certain';
  if (body.takenTypes.some((type) => isTypeOf(type, table, column))) return 'certain';
  const uses = body.statements.map(({ tree }) => useInStatement(tree, table, column, body.variables));
  if (uses.includes('certain')) return 'certain';
  const isInText = body.texts.some((text) => wordOf(column).test(text));
  return isInText || uses.includes('possible') ? 'possible' : 'none';
}

/** A name with nothing of a name on either side. */
export function wordOf(name: string): RegExp {
  return new RegExp(`(?<![\\w$])${patternOf(name)}(?![\\w$])`, 'iu');
}

function isTypeOf(type: string, { schema, name }: QualifiedName, column: string): boolean {
  const [taken] = type.split('%');
  return [`${name}.${column}`, `${schema}.${name}.${column}`].some((path) => path.toLowerCase() === taken);
}

interface Relation {
  readonly schemaname?: string;
  readonly relname?: string;
  readonly alias?: { readonly aliasname?: string };
}

/** Whether a name in FROM means a table. */
export function isTable({ schemaname, relname }: Relation, { schema, name }: QualifiedName): boolean {
  return relname === name && (schemaname === undefined || schemaname === schema);
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

function useInStatement(tree: SqlNode, table: QualifiedName, column: string, variables: readonly string[]): ColumnUse {
  const relations = relationsOf(tree);
  const own = relations.filter((relation) => isTable(relation, table));
  if (own.length === 0) return 'none';
  if (assigns(tree, table, column)) return 'certain';
  const names = new Set(own.map(({ alias, relname }) => alias?.aliasname ?? relname));
  const isAlone = own.length === relations.length && nodesOf(tree, 'RangeFunction').length === 0;
  const uses = nodesOf(tree, 'ColumnRef').map((reference): ColumnUse => {
    const path = pathOf(reference);
    if (path.at(-1) !== column) return 'none';
    if (path.length === 1) return isAlone && !variables.includes(column) ? 'certain' : 'possible';
    const qualifier = path.at(-2) ?? '';
    if (!names.has(qualifier)) return 'none';
    // Another table may go by the same alias in another part of the statement.
    const others = relations.filter((relation) => (relation.alias?.aliasname ?? relation.relname) === qualifier);
    return others.every((relation) => isTable(relation, table)) ? 'certain' : 'possible';
  });
  return uses.includes('certain') ? 'certain' : uses.includes('possible') ? 'possible' : 'none';
}

/** The names of a reference to a column, such as `u` and `email`. */
export function pathOf({ fields }: SqlNode): string[] {
  return ((fields ?? []) as { readonly String?: { readonly sval: string } }[]).flatMap(
    ({ String: name }) => name?.sval ?? [],
  );
}

/** Whether a statement writes the column of that very table, or looks for conflicts on it. */
function assigns(tree: SqlNode, table: QualifiedName, column: string): boolean {
  const targets = (list: unknown): string[] =>
    ((list ?? []) as { readonly ResTarget?: { readonly name?: string } }[]).flatMap(
      ({ ResTarget }) => ResTarget?.name ?? [],
    );
  const isOwn = ({ relation }: SqlNode): boolean => isTable((relation ?? {}) as Relation, table);
  const inserts = nodesOf(tree, 'InsertStmt').filter(isOwn);
  const conflicts = inserts.map(({ onConflictClause }) => onConflictClause as SqlNode | undefined);
  return [
    ...inserts.flatMap(({ cols }) => targets(cols)),
    ...nodesOf(tree, 'UpdateStmt')
      .filter(isOwn)
      .flatMap(({ targetList }) => targets(targetList)),
    ...conflicts.flatMap((clause) => [
      ...targets(clause?.targetList),
      ...nodesOf(clause?.infer, 'IndexElem').map(({ name }) => String(name)),
    ]),
  ].includes(column);
}
