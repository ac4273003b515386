import type { Queryable } from '../postgres/queryable.ts';
import { hanging } from './dependents/dependent.ts';
import { hangingDependents } from './dependents/read.ts';
import { type HangingObject, HangingSources } from './hanging.ts';
import type { AnyKind } from './kind.ts';
import { KINDS } from './registry.ts';

/**
 * Everything that hangs on a column of a table and its partitions now; nothing is created or locked for it.
 * @param at `ours` are the sync's own triggers.
 */
export async function readHangingObjects(
  db: Queryable,
  at: Pick<HangingSources, 'table' | 'column' | 'ours'>,
  kinds: readonly Pick<AnyKind, 'name' | 'hanging'>[] = KINDS,
): Promise<HangingObject[]> {
  const sources = new HangingSources(db, at);
  const objects: HangingObject[] = [];
  for (const kind of kinds) objects.push(...(await kind.hanging(sources)));
  const others = (await hangingDependents(sources)).filter(({ kind }) => !kinds.some(({ name }) => name === kind));
  return [...objects, ...others.map(hanging)];
}
