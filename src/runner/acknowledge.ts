import { locate } from '../catalog/locate.ts';
import { asPair, type Change, changesOf, isMapping, isMove, isRename, pairsOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { partsOf } from '../domain/rename.ts';
import { objectsNamed } from '../gates/gate.ts';
import { mappingObjectsNamed } from '../gates/mapping.ts';
import { asWidened, moveObjectsNamed } from '../gates/move.ts';
import { brokenByColumn } from '../gates/preflight.ts';
import { type Acknowledgement, acknowledge } from '../ledger/acknowledgements.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { readHistory } from '../project/history.ts';
import { settleByHand } from './pairs/watch.ts';
import { openLedger, type RunnerOptions, withSession } from './session.ts';

/**
 * Keeps in the ledger that somebody has looked at what a gate names.
 * @throws PH1026 when there is no such rename, PH1031 when its next gate names no such object.
 */
export async function acknowledgeObject(
  options: RunnerOptions,
  given: Acknowledgement,
): Promise<{ by: string; at: string }> {
  return withSession(
    options,
    () => readHistory(options.project.root),
    async (session) => {
      const { history, lock, worker } = session;
      const changes = changesOf(history);
      const change = changes.get(given.rename);
      if (!change) throw new PhaseError('PH1026', { rename: given.rename, known: [...changes.keys()] });
      await openLedger(session);
      await settleByHand(session);
      // Of several columns that are renamed together a gate names what hangs on each.
      const parts =
        isRename(change) && change.partOf === null ? partsOf(history.renames.values(), change.name) : [change];
      const all: string[] = [];
      for (const part of parts) {
        const named = await inRolledBackTransaction(worker, () => namedBy(worker, part));
        if (named.includes(given.object)) return acknowledge(lock.client, { ...given, rename: part.name });
        all.push(...named);
      }
      throw new PhaseError('PH1031', { rename: change.name, object: given.object, named: all });
    },
  );
}

/** What a gate of a change names now, or may name. */
async function namedBy(db: LedgerDb, change: Change): Promise<string[]> {
  const named: string[] = [];
  const widened = isMove(change) ? [asWidened(change)] : pairsOf(change);
  for (const pair of widened) named.push(...(await brokenByColumn(db, pair)));
  const { table, from, to } = asPair(change);
  const places = await locate(db, table, from, to);
  if (places.to === null) return named;
  return [...named, ...(await objectsOf(db, change))];
}

function objectsOf(db: LedgerDb, change: Change): Promise<readonly string[]> {
  if (isMove(change)) return moveObjectsNamed(db, change);
  return isMapping(change) ? mappingObjectsNamed(db, change) : objectsNamed(db, change);
}
