import { locate } from '../../catalog/locate.ts';
import { type Rename, syncedWith, type TwinnedObject } from '../../domain/rename.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { Renaming } from '../../objects/renaming.ts';
import { isConnectionLost, reasonOf } from '../../postgres/errors.ts';
import type { Session } from '../session.ts';
import { droppedKey } from './dropped.ts';
import { readFactsOf } from './read-facts.ts';
import { rebuildTwins, replaceTwin } from './rebuild.ts';
import { type Stale, staleTwins } from './stale.ts';

/** An index or a check of the old column that a migration has made. */
export interface MadeObject {
  readonly oid: number;
  readonly kind: string;
  readonly name: string;
}

interface StaleTwins {
  readonly renaming: Renaming;
  /** Of kinds that are renewed after each migration, and of those that are at gates alone. */
  readonly atOnce: readonly Stale[];
  readonly atGates: readonly Stale[];
}

/**
 * Checks and indexes that were made anew under their names: a check that allows more now would else be what it was on the new column, and after phase 3 on
 * the table. Their twins are made anew, too. Outside of transactions. What cannot be compared is said, and stops nothing: the role may not be allowed to make
 * temporary tables.
 * @param made what a migration has just made: its twin may have been dropped with what it replaces. At a gate somebody may have made something by hand.
 * @throws what making them meets.
 */
export async function renewTwins(
  session: Session,
  rename: Rename,
  made: readonly MadeObject[] | 'by hand' = [],
): Promise<void> {
  const { knex, options, worker } = session;
  const { table, from, to } = await locate(worker, rename.table, rename.from, rename.to);
  if (table === null || from === null || to === null) return;
  const stale = await findStale(session, rename, made).catch((error) => {
    if (isConnectionLost(error)) throw error;
    options.onEvent({
      type: 'notice',
      message: `${rename.name}: whether indexes, constraints and statistics of ${rename.from} were made anew, and their counterparts on ${rename.to} with them, is not known: ${reasonOf(error)}`,
    });
  });
  if (stale === undefined) return;
  const { renaming, atOnce, atGates } = stale;
  for (const one of atOnce) {
    await replaceTwin(knex, renaming, one);
    options.onEvent({
      type: 'notice',
      message: `${rename.name}: the ${one.kind.name} ${one.now.name} was made anew, and so is its counterpart ${one.twin} on ${rename.to}.`,
    });
  }
  if (atGates.length === 0) return;
  await rebuildTwins(knex, renaming, atGates);
  const names = atGates.map(({ now }) => now.name).join(', ');
  options.onEvent({
    type: 'notice',
    message: `${rename.name}: ${names}: made anew as something else, and so are the counterparts on ${rename.to}.`,
  });
}

async function findStale(
  { worker: db, history }: Session,
  rename: Rename,
  made: readonly MadeObject[] | 'by hand',
): Promise<StaleTwins> {
  const originals = await readFactsOf(db, history.renames, rename, 'to new');
  const twins = await readFactsOf(db, history.renames, rename, 'back');
  const parts = rename.retype === null ? syncedWith(history.renames.values(), rename) : [rename];
  const records = (await readPairs(db)).filter((record) => parts.some(({ name }) => name === record.rename));
  const isGone = (object: TwinnedObject): boolean =>
    records.some(({ reviewed }) => reviewed[droppedKey(object)] !== undefined);
  const byHand = made === 'by hand';
  // Somebody else may have dropped the twin alone, which the gate refuses.
  const isMade = (object: TwinnedObject): boolean =>
    isGone(object) || (!byHand && made.some(({ kind, name }) => kind === object.kind && name === object.name));
  const sides = { originals, twins };
  const whole = { ...rename, carried: parts.flatMap(({ carried, refreshed }) => [...carried, ...refreshed]) };
  return {
    renaming: new Renaming(originals, whole),
    atOnce: staleTwins(whole, sides, 'at once', isMade),
    atGates: byHand ? staleTwins(whole, sides, 'at gates', isGone) : [],
  };
}
