import type { Knex } from 'knex';
import { treeOf } from '../catalog/tree.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { type CarriedObject, isTwinned, type TwinnedObject } from '../domain/rename.ts';
import { isElsewhere, twinnedKind } from '../objects/registry.ts';
import { strayObjects } from '../objects/stray.ts';
import { contextOf } from './context.ts';
import { onConnection, runSql } from './execute.ts';

/**
 * What a rename carries over may be on a partition or a child that has been detached since, or taken out of the inheritance: that table keeps both columns, and
 * what hangs on them, as its own.
 */
async function hasLeft(knex: Knex, root: string, on: string): Promise<boolean> {
  if (root === on || contextOf(knex).dryRun) return false;
  const rows = await runSql(
    knex,
    `${treeOf('to_regclass($1)::oid')} SELECT 1 WHERE to_regclass($2) IS NOT NULL AND NOT EXISTS (SELECT FROM tree WHERE oid = to_regclass($2))`,
    [root, on],
  );
  return rows.length > 0;
}

/** Those that are still on the table, on its partitions or on its children; keys that reference it are on any. */
export async function stillOn<T extends TwinnedObject>(knex: Knex, root: string, objects: readonly T[]): Promise<T[]> {
  const still: T[] = [];
  for (const object of objects) {
    const { tableOf } = twinnedKind(object.kind);
    const on = tableOf === undefined ? object.on : await onConnection(knex, (db) => tableOf(db, object));
    if (isElsewhere(object.kind) || !(await hasLeft(knex, root, on ?? root))) still.push(object);
  }
  return still;
}

/** Whether something that a rename carries over, or its twin, is on a table that was dropped since, or is none of its business any more. */
export async function isOnLostPart(
  knex: Knex,
  { on, name }: { readonly on: string; readonly name: string },
): Promise<boolean> {
  if (contextOf(knex).dryRun) return false;
  for (const { table, carried, refreshed } of contextOf(knex).renames.values()) {
    const objects = [...carried, ...refreshed].filter(isTwinned);
    const object = objects.find((one) => one.on === on && (one.name === name || one.twin === name));
    if (object === undefined) continue;
    const [found] = await runSql<{ there: boolean }>(knex, 'SELECT to_regclass($1) IS NOT NULL AS there', [on]);
    if (found?.there === false) return true;
    return !isElsewhere(object.kind) && (await hasLeft(knex, quoteQualified(table), on));
  }
  return false;
}

/** Whether what a rename carries over on a table is none of its business any more. */
export async function isOnFormerPart(
  knex: Knex,
  kind: CarriedObject['kind'],
  { on, name }: { readonly on: string; readonly name: string },
): Promise<boolean> {
  const rename = [...contextOf(knex).renames.values()].find(({ carried, refreshed }) =>
    [...carried, ...refreshed].some((object) => object.kind === kind && object.name === name && object.on === on),
  );
  return rename !== undefined && hasLeft(knex, quoteQualified(rename.table), on);
}

/** What is none of the rename's business any more, since it was made anew without its columns: its twins stand for nothing. @param root the table, quoted. */
export async function strayOf<T extends TwinnedObject>(
  knex: Knex,
  root: string,
  columns: readonly string[],
  objects: readonly T[],
): Promise<T[]> {
  if (contextOf(knex).dryRun || objects.length === 0) return [];
  const [table] = await runSql<{ oid: string }>(knex, 'SELECT to_regclass($1)::oid::int8::text AS oid', [root]);
  if (!table?.oid) return [];
  return onConnection(knex, (db) => strayObjects(db, { table: Number(table.oid), root, columns }, objects));
}
