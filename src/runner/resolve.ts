import { PhaseError } from '../domain/errors/phase-error.ts';
import { orderMigrations } from '../planner/order.ts';
import { readHistory } from '../project/history.ts';
import { beginAttempt, readLedger, recordMigration, removeMigration } from './ledger.ts';
import { openLedger, type RunnerOptions, withSession } from './session.ts';

/**
 * Says by hand what became of a migration: `applied`, or `retry` to let it run again.
 * @throws PH1016 when it is not known, PH1015 when an applied one is to be retried.
 */
export async function resolveMigration(
  options: RunnerOptions,
  id: string,
  as: 'applied' | 'retry',
): Promise<{ id: string; state: string }> {
  return withSession(
    options,
    () => readHistory(options.project.root),
    async (session) => {
      const { lock, history } = session;
      const db = lock.client;
      const ledger = await readLedger(db, session.options.project.config.knexMigrations);
      const entry = orderMigrations(history.manifests).find((migration) => migration.id === id);
      const row = ledger.rows.find((candidate) => candidate.id === id);
      if (!entry) throw new PhaseError('PH1016', { id, known: ledger.rows.map((candidate) => candidate.id) });
      if (as === 'retry' && row?.state === 'applied') {
        throw new PhaseError('PH1015', {
          what: 'resolve --retry',
          value: id,
          allowed: 'a migration that was started and did not finish; phase rollback undoes one that is applied',
        });
      }
      await openLedger(session);
      const end = await beginAttempt(db, id, 'resolve', lock.run);
      if (as === 'applied') await recordMigration(db, entry, 'applied', row?.durationMs ?? 0);
      else if (row) await removeMigration(db, id);
      await end('done');
      return { id, state: as === 'applied' ? 'applied' : 'pending' };
    },
  );
}
