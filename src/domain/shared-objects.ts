import { quoteIdent, quoteQualified } from './identifier.ts';
import { type CarriedObject, isTwinned, type Rename } from './rename.ts';

const INDEX_KINDS = new Set(['index', 'unique', 'primary key', 'exclusion']);
const KEY_KINDS = new Set(['foreign key', 'referencing key', 'key to primary key']);

/**
 * Something that two renames both work on, in words; null when there is nothing: their steps then pass each other.
 */
export function sharedObject(a: Rename, b: Rename): string | null {
  return shared(objectsOf(a, carriedBy), objectsOf(b, carriedBy));
}

/**
 * Something because of which two renames cannot be under way at the same time; null when there is nothing. Views,
 * policies and the like are none: they are bound anew from the text that they have then, as often as needed.
 */
export function exclusiveObject(a: Rename, b: Rename): string | null {
  return shared(exclusiveObjectsOf(a), exclusiveObjectsOf(b));
}

/** All that a rename needs for itself: a key that is equal for the same object, and what to call it. */
export function exclusiveObjectsOf(rename: Rename): Named[] {
  return objectsOf(rename, (of) => carriedBy(of).filter((object) => isTwinned(object) || object.kind === 'trigger'));
}

/** What is equal for each object that a rename works on. */
export function objectKeysOf(rename: Rename): string[] {
  return objectsOf(rename, carriedBy).map(([key]) => key);
}

type Named = readonly [key: string, name: string];

const carriedBy = (rename: Rename): CarriedObject[] => [...rename.carried, ...rename.refreshed];

function shared(some: readonly Named[], others: readonly Named[]): string | null {
  const keys = new Set(others.map(([key]) => key));
  return some.find(([key]) => keys.has(key))?.[1] ?? null;
}

function objectsOf(rename: Rename, carried: (rename: Rename) => CarriedObject[]): Named[] {
  const table = quoteQualified(rename.table);
  const columns = [rename.from, rename.to].map(
    (column): Named => [
      `column ${table}.${quoteIdent(column)}`,
      `the column ${rename.table.schema}.${rename.table.name}.${column}`,
    ],
  );
  return [...columns, ...carried(rename).flatMap((object) => namesOf(object, table))];
}

function namesOf(object: CarriedObject, table: string): Named[] {
  const names = isTwinned(object) ? [object.name, object.twin] : [object.name];
  const family = INDEX_KINDS.has(object.kind) ? 'index' : KEY_KINDS.has(object.kind) ? 'key' : object.kind;
  const on = isGlobal(object) ? '' : (object.on ?? table);
  return names.map((name) => [`${family} ${on} ${name}`, `the ${object.kind} ${object.name}`]);
}

/** Their names are qualified already, and several tables may be named in one of them. */
function isGlobal({ kind }: CarriedObject): boolean {
  return kind === 'view' || kind === 'materialized view' || kind === 'function';
}
