import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ViaColumn } from '../domain/move.ts';
import { reasonOf } from '../postgres/errors.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { listTypedColumns } from './column.ts';
import type { ListedTable } from './find-table.ts';
import { pathOf } from './references.ts';
import { expressionTrees, nodesAtTop, nodesOf, type SqlNode, toList } from './sql-trees.ts';

/** Types of a key, whose equality and whose values are PostgreSQL's own: nothing of anybody else's runs when one is noted. */
const KEY_TYPES = ['smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying'];

/** How the rows of two tables belong together. */
export interface Via {
  readonly columns: readonly ViaColumn[];
  /** Whether one row of the source at most belongs to one of the target. */
  readonly isUnique: boolean;
}

/**
 * Reads `contacts.user_id = users.id`, also several with AND, in either order.
 * @throws PH1045 for another expression, for columns of different types, and where a row of the source could belong to several of the target.
 */
export async function readVia(
  db: Queryable,
  text: string,
  { source, target }: { readonly source: ListedTable; readonly target: ListedTable },
): Promise<Via> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new PhaseError('PH1045', { via: text, source: source.name, target: target.name, reason }, { cause });
  };
  const trees = await expressionTrees(text).catch((error) => refuse(reasonOf(error), error));
  const pairs = equalities(
    nodesAtTop(
      nodesOf(trees, 'ResTarget').map(({ val }) => val),
      'A_Expr',
    ),
    nodesOf(trees, 'BoolExpr'),
  );
  if (pairs === null) return refuse('It is no equality of columns, nor several with AND.');
  const columns: ViaColumn[] = [];
  for (const pair of pairs) {
    const [a, b] = pair.map((path) => sideOf(path, source, target));
    if (a === undefined || b === undefined || a.side === b.side)
      return refuse('Each equality takes a column of either table, with the name of the table.');
    const [own, other] = a.side === 'source' ? [a, b] : [b, a];
    const [type, otherType] = [await typeOf(db, source, own.column), await typeOf(db, target, other.column)];
    if (type === null) return refuse(`${source.name} has no column ${own.column}.`);
    if (otherType === null) return refuse(`${target.name} has no column ${other.column}.`);
    if (type !== otherType) return refuse(`${own.column} is ${type}, and ${other.column} is ${otherType}.`);
    if (!KEY_TYPES.includes(type.replace(/\(.*\)$/, '')))
      return refuse(`${own.column} is ${type}; it takes one of ${KEY_TYPES.join(', ')}.`);
    columns.push({ source: own.column, target: other.column, type });
  }
  const ofTarget = columns.map((column) => column.target);
  if (!(await isUniqueOver(db, target.oid, ofTarget)))
    return refuse(
      `No unique index of ${target.name} is over ${ofTarget.join(', ')} alone, so that a value would not know its row.`,
    );
  return {
    columns,
    isUnique: await isUniqueOver(
      db,
      source.oid,
      columns.map((column) => column.source),
    ),
  };
}

/** The two columns of each equality, as paths of names; null where it is something else. */
function equalities(alone: readonly SqlNode[], all: readonly SqlNode[]): string[][][] | null {
  if (all.length > 1 || all.some(({ boolop }) => boolop !== 'AND_EXPR')) return null;
  const [both] = all;
  const expressions = both === undefined ? alone : nodesAtTop(both.args, 'A_Expr');
  if (expressions.length === 0 || (both !== undefined && toList(both.args).length !== expressions.length)) return null;
  const pairs = expressions.map(({ name, lexpr, rexpr }) => {
    const operator = nodesOf(name, 'String').map(({ sval }) => sval);
    const references = [lexpr, rexpr].flatMap((side) => nodesAtTop(side, 'ColumnRef'));
    return operator.join() === '=' && references.length === 2 ? references.map(pathOf) : null;
  });
  return pairs.every((pair) => pair !== null) ? pairs : null;
}

function sideOf(
  path: readonly string[],
  source: ListedTable,
  target: ListedTable,
): { readonly side: 'source' | 'target'; readonly column: string } | undefined {
  const [column = '', table, schema] = [...path].reverse();
  const isOf = (one: ListedTable): boolean => table === one.name && (schema === undefined || schema === one.schema);
  if (isOf(source)) return { side: 'source', column };
  return isOf(target) ? { side: 'target', column } : undefined;
}

async function typeOf(db: Queryable, { oid }: ListedTable, column: string): Promise<string | null> {
  return (await listTypedColumns(db, oid)).find(({ name }) => name === column)?.type ?? null;
}

/** Whether a unique index, checked at once and over all rows, has no other columns than these. */
export async function isUniqueOver(db: Queryable, table: number, columns: readonly string[]): Promise<boolean> {
  const rows = await all(
    db,
    `SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
       AND NOT EXISTS (SELECT FROM pg_catalog.unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) AS k(number)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE NOT a.attname = ANY ($2::text[]))`,
    [table, columns],
  );
  return rows.length > 0;
}
