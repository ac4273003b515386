import { locate } from '../catalog/locate.ts';
import { findUnconvertible } from '../catalog/unconvertible.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { isTwinned, isUnfilled, type Rename, syncTriggers } from '../domain/rename.ts';
import type { HangingObject } from '../objects/hanging.ts';
import { readHangingObjects } from '../objects/read-hanging.ts';
import { isElsewhere } from '../objects/registry.ts';
import { looking } from '../postgres/looking.ts';
import type { Queryable } from '../postgres/queryable.ts';

/**
 * Undoing the first phase drops the new column. What was made on it since, such as an index of a later release, would go with it without a word, and a
 * view would not let it go.
 * @param renames the change, with its parts: what one of them carries over hangs on others, too.
 * @param id the step that adds the columns.
 * @param when `before` when later steps are still to be undone: with the third phase keys that reference the primary key go back by themselves.
 * @throws PH2011 which names it.
 */
export async function ensureNothingOfItsOwn(
  db: Queryable,
  renames: readonly Rename[],
  id: string,
  when: 'now' | 'before',
): Promise<void> {
  const known = new Set(
    renames.flatMap(({ carried, refreshed }) =>
      [...carried, ...refreshed].flatMap((object) => [object.name, ...(isTwinned(object) ? [object.twin] : [])]),
    ),
  );
  for (const rename of renames) await ensureNothingBesides(db, rename, { known, id, when });
}

interface Undoing {
  /** Names of what the change carries over, and of its twins. */
  readonly known: ReadonlySet<string>;
  readonly id: string;
  readonly when: 'now' | 'before';
}

async function ensureNothingBesides(db: Queryable, rename: Rename, { known, id, when }: Undoing): Promise<void> {
  const found = (await looking(db, () => ofItsOwn(db, rename))).filter(({ name }) => !known.has(name));
  const objects = found.filter(({ kind }) => when === 'now' || !isElsewhere(kind));
  if (objects.length === 0) return;
  const names = objects.map(({ description }) => description).join('; ');
  throw new PhaseError('PH2011', {
    id,
    reason: `It drops the column ${rename.to}, on which hangs what the rename knows nothing of: ${names}.`,
    instead: `Drop it and run the same command again; where it is still wanted, make it on ${rename.from} afterwards.`,
  });
}

/**
 * Undoing a later phase of a retype needs a value of the old type for every row.
 * @throws PH2011 which counts those that have none.
 */
export async function ensureWayBack(
  db: Queryable,
  change: Rename,
  id: string,
  step: 'switch' | 'contract',
): Promise<void> {
  const { table, from, to, type, retype } = change;
  if (retype === null || !retype.back.mayFail) return;
  // A row that has a value of the old type goes back to that.
  const where = step === 'switch' ? isUnfilled(`t.${quoteIdent(to)}`, `t.${quoteIdent(from)}`) : 'true';
  const asked = { column: from, from: retype.type, to: type, conversion: retype.back, notNull: false, where };
  const { rows, examples } = await looking(db, () => findUnconvertible(db, table, asked));
  if (rows === 0) return;
  throw new PhaseError('PH2011', {
    id,
    reason: `${rows === 1 ? 'One row holds' : `${rows} rows hold`} in ${from} what ${type} cannot (${examples.join('; ')}).`,
    instead: 'Go on with the new type; or put these rows right, and run the same command again.',
  });
}

async function ofItsOwn(db: Queryable, rename: Rename): Promise<HangingObject[]> {
  const { table } = await locate(db, rename.table, rename.from, rename.to);
  if (table === null) return [];
  const ours = [...syncTriggers(rename.sync, 1), ...syncTriggers(rename.sync, 2)];
  return readHangingObjects(db, { table, column: rename.to, ours });
}
