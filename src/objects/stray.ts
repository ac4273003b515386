import type { TwinnedObject } from '../domain/rename.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { HangingObject } from './hanging.ts';
import { readHangingObjects } from './read-hanging.ts';
import { isKnownKind, kindOf, twinnedKind } from './registry.ts';

/** The old columns of a rename, and their table by its number and quoted. */
interface OldColumns {
  readonly table: number;
  readonly root: string;
  readonly columns: readonly string[];
}

/**
 * Of what a rename carries over that which somebody has made anew under its name without any of the columns: it is none of the rename's business any more. In a
 * transaction that prints names qualified.
 */
export async function strayObjects<T extends TwinnedObject>(
  db: Queryable,
  { table, root, columns }: OldColumns,
  objects: readonly T[],
): Promise<T[]> {
  const hanging: HangingObject[] = [];
  for (const column of columns) hanging.push(...(await readHangingObjects(db, { table, column, ours: [] })));
  const strays: T[] = [];
  for (const object of objects) {
    // A primary key is looked after where it is moved.
    if (!isKnownKind(object.kind) || twinnedKind(object.kind).goes === 'with the primary key') continue;
    const { on = root, name, kind } = object;
    const isHanging = hanging.some(
      (one) => familyOf(one.kind) === familyOf(kind) && one.name === name && one.on === on,
    );
    if (!isHanging && (await twinnedKind(kind).isThere(db, on, name))) strays.push(object);
  }
  return strays;
}

const familyOf = (kind: string): string => (isKnownKind(kind) ? kindOf(kind).family : '');
