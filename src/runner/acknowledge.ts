import { locate } from '../catalog/locate.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { objectsNamed } from '../gates/gate.ts';
import { brokenByColumn } from '../gates/preflight.ts';
import { type Acknowledgement, acknowledge } from '../ledger/acknowledgements.ts';
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
      const rename = history.renames.get(given.rename);
      if (!rename) throw new PhaseError('PH1026', { rename: given.rename, known: [...history.renames.keys()] });
      await openLedger(session);
      await settleByHand(session);
      const { to } = await locate(worker, rename.table, rename.from, rename.to);
      const named = await inRolledBackTransaction(worker, async () => [
        ...(await brokenByColumn(worker, rename)),
        ...(to === null ? [] : await objectsNamed(worker, rename)),
      ]);
      if (!named.includes(given.object)) {
        throw new PhaseError('PH1031', { rename: rename.name, object: given.object, named });
      }
      return acknowledge(lock.client, given);
    },
  );
}
