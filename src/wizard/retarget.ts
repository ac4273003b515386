import { changesOf } from '../domain/change.ts';
import { wholeOf } from '../domain/rename.ts';
import { orderMigrations } from '../planner/order.ts';
import { ensureRenamesApart } from '../planner/renames-apart.ts';
import { ensureFilesIntact, type History } from '../project/history.ts';
import { type Retarget, retargetPhase, withChanges, writeManifests } from '../project/retarget.ts';

/**
 * Moves a phase of a rename to another open release, where the order allows it.
 * @returns the manifests that were written.
 * @throws what retargetPhase throws; PH3001, PH3002 and PH3012 when files are not what their manifests list; what the
 * order refuses.
 */
export async function retarget(history: History, given: Retarget): Promise<string[]> {
  const named = changesOf(history).get(given.rename);
  const target = named === undefined ? given : { ...given, rename: wholeOf(named) };
  await ensureFilesIntact(history, history.manifests);
  const changes = retargetPhase(history, target);
  const manifests = withChanges(history, changes);
  orderMigrations(manifests);
  ensureRenamesApart(manifests, changesOf(history), manifests.at(-1)?.release ?? target.release);
  return writeManifests(history.root, changes);
}
