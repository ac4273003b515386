import type { Knex } from 'knex';
import type { TwinnedObject } from '../domain/rename.ts';
import { twinnedKind } from '../objects/registry.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { contextOf } from './context.ts';
import { onConnection, runAll } from './execute.ts';

/** Statements that give a twin, and those of it on partitions, the names of the original; read before that is dropped. */
export function restorations(knex: Knex, table: string, object: TwinnedObject): Promise<readonly string[]> {
  const kind = twinnedKind(object.kind);
  const { name, twin, on = table } = object;
  return onConnection(knex, async (db) => {
    // A dry run may look before phase 1 has built it.
    if (kind.goes === 'with the primary key' || contextOf(knex).dryRun) return kind.restoring(db, on, object);
    if (!(await kind.isThere(db, on, twin))) return [];
    // Somebody has dropped the original meanwhile: it does not come back.
    if (kind.goes !== 'in phase 2' && !(await kind.isThere(db, on, name))) return kind.dropping(db, on, twin);
    return kind.restoring(db, on, object);
  });
}

/** Drops the twin of what is gone from the old column. @param on the table that it is on, quoted. */
export function dropTwin(knex: Knex, on: string, { kind: name, twin }: TwinnedObject): Promise<void> {
  const kind = twinnedKind(name);
  return runFrom(knex, async (db) => ((await kind.isThere(db, on, twin)) ? kind.dropping(db, on, twin) : []));
}

/** Gives what has taken the place of an original the name of its twin back, and those of it on partitions. */
export function giveTwinName(knex: Knex, table: string, object: TwinnedObject): Promise<void> {
  const kind = twinnedKind(object.kind);
  const { name, on = table } = object;
  return runFrom(knex, async (db) => ((await kind.isThere(db, on, name)) ? kind.settingAside(db, on, object) : []));
}

export interface CarriedTwins {
  readonly on: string;
  readonly carried: readonly TwinnedObject[];
}

/** Makes an original what its twin is to the table: the index that CLUSTER uses, or the replica identity. */
export async function restoreIndexRoles(knex: Knex, { on: table, carried }: CarriedTwins): Promise<void> {
  for (const object of carried) {
    const { kind, on = table } = object;
    await runFrom(knex, async (db) => (await twinnedKind(kind).appointing?.(db, on, object)) ?? []);
  }
}

/** Runs statements that are put together from what is there. */
async function runFrom(knex: Knex, read: (db: Queryable) => Promise<readonly string[]>): Promise<void> {
  await runAll(knex, await onConnection(knex, read));
}
