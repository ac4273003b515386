import { quoteIdent, quoteQualified } from './identifier.ts';
import { type CarriedObject, isTwinned, type Rename } from './rename.ts';

const INDEX_KINDS = new Set(['index', 'unique', 'primary key', 'exclusion']);
const KEY_KINDS = new Set(['foreign key', 'referencing key']);

/**
 * Something that two renames both work on, in words; null when there is nothing. They may then be under way at the
 * same time, and their steps pass each other.
 */
export function sharedObject(a: Rename, b: Rename): string | null {
  const others = new Map(objectsOf(b));
  return objectsOf(a).find(([key]) => others.has(key))?.[1] ?? null;
}

/** All that a rename works on: a key that is equal for the same object, and what to call it. */
export function objectsOf(rename: Rename): [key: string, name: string][] {
  const table = quoteQualified(rename.table);
  const columns = [rename.from, rename.to].map((column): [string, string] => [
    `column ${table}.${quoteIdent(column)}`,
    `the column ${rename.table.schema}.${rename.table.name}.${column}`,
  ]);
  const carried = [...rename.carried, ...rename.refreshed].flatMap((object) => namesOf(object, table));
  return [...columns, ...carried];
}

function namesOf(object: CarriedObject, table: string): [string, string][] {
  const names = isTwinned(object) ? [object.name, object.twin] : [object.name];
  const family = INDEX_KINDS.has(object.kind) ? 'index' : KEY_KINDS.has(object.kind) ? 'key' : object.kind;
  const on = isGlobal(object) ? '' : (object.on ?? table);
  return names.map((name) => [`${family} ${on} ${name}`, `the ${object.kind} ${object.name}`]);
}

/** Their names are qualified already, and several tables may be named in one of them. */
function isGlobal({ kind }: CarriedObject): boolean {
  return kind === 'view' || kind === 'materialized view' || kind === 'function';
}
