import { type Change, columnsOf, isMove, isRename } from '../domain/change.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { Move } from '../domain/move.ts';
import { type CarriedObject, isTwinned } from '../domain/rename.ts';
import { kindOf } from './registry.ts';

/**
 * Something that two renames both work on, in words; null when there is nothing: their steps then pass each other.
 */
export function sharedObject(a: Change, b: Change): string | null {
  return shared(objectsOf(a, carriedBy), objectsOf(b, carriedBy));
}

/**
 * Something because of which two renames cannot be under way at the same time; null when there is nothing. Views,
 * policies and the like are none: they are bound anew from the text that they have then, as often as needed.
 */
export function exclusiveObject(a: Change, b: Change): string | null {
  return shared(exclusiveObjectsOf(a), exclusiveObjectsOf(b));
}

/** All that a rename needs for itself: a key that is equal for the same object, and what to call it. */
export function exclusiveObjectsOf(rename: Change): Named[] {
  return objectsOf(rename, (of) => carriedBy(of).filter(isExclusive));
}

/** What is bound by its own text is bound anew as often as needed, but for what has forms of its own. */
function isExclusive(object: CarriedObject): boolean {
  const kind = kindOf(object.kind);
  return kind.carried === 'twin' || (kind.carried === 'bound' && kind.exclusive === true);
}

/** What is equal for each object that a rename works on. */
export function objectKeysOf(rename: Change): string[] {
  return objectsOf(rename, carriedBy).map(([key]) => key);
}

type Named = readonly [key: string, name: string];

/** What hangs on the old columns of a mapping stays on these, and goes with them. */
const carriedBy = (change: Change): CarriedObject[] =>
  isRename(change) ? [...change.carried, ...change.refreshed] : [...change.dropped];

function shared(some: readonly Named[], others: readonly Named[]): string | null {
  const keys = new Set(others.map(([key]) => key));
  return some.find(([key]) => keys.has(key))?.[1] ?? null;
}

function objectsOf(rename: Change, carried: (rename: Change) => CarriedObject[]): Named[] {
  const table = quoteQualified(rename.table);
  const { old, fresh } = columnsOf(rename);
  const freshTable = isMove(rename) ? rename.toTable : rename.table;
  const columns = [
    ...old.map((column) => columnOf(rename.table, column)),
    ...fresh.map((column) => columnOf(freshTable, column)),
    ...(isMove(rename) ? between(rename) : []),
  ];
  return [...columns, ...carried(rename).flatMap((object) => namesOf(object, table))];
}

function columnOf(table: QualifiedName, column: string): Named {
  return [
    `column ${quoteQualified(table)}.${quoteIdent(column)}`,
    `the column ${table.schema}.${table.name}.${column}`,
  ];
}

/** Two moves between the same tables would wait for each other's rows; what tells which rows belong together has to stay what it is. */
function between({ table, toTable, via }: Move): Named[] {
  const tables = [table, toTable].map(quoteQualified).sort().join(' and ');
  const keys = via.flatMap(({ source, target }) => [columnOf(table, source), columnOf(toTable, target)]);
  return [[`between ${tables}`, `the rows of ${tables}`], ...keys];
}

function namesOf(object: CarriedObject, table: string): Named[] {
  const names = isTwinned(object) ? [object.name, object.twin] : [object.name];
  const { family, place } = kindOf(object.kind);
  // A name that counts in the whole database is qualified already.
  const on = place === 'database' ? '' : (object.on ?? table);
  return names.map((name) => [`${family} ${on} ${name}`, `the ${object.kind} ${object.name}`]);
}
