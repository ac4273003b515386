import { PhaseError } from '../domain/errors/phase-error.ts';
import { beginAttempt } from '../ledger/attempts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type LedgerRow, recordMigration, removeMigration } from '../ledger/migrations.ts';
import { orderMigrations } from '../planner/order.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { readHistory } from '../project/history.ts';
import { readOwnLedger } from './own-ledger.ts';
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
      const ledger = await readOwnLedger(db, session.options.project, session.history);
      const entry = orderMigrations(history.manifests).find((migration) => migration.id === id);
      const row = ledger.rows.find((candidate) => candidate.id === id);
      if (!entry) throw new PhaseError('PH1016', { id, known: ledger.rows.map((candidate) => candidate.id) });
      if (as === 'retry' && row?.state === 'applied' && !mayRunAgain(ledger, row)) {
        throw new PhaseError('PH1015', {
          what: 'resolve --retry',
          value: id,
          allowed:
            'a migration that was started and did not finish, or the constraints of a rename before its phase 3, or its backfill before its phase 2; phase rollback undoes one that is applied',
        });
      }
      await openLedger(session);
      await inTransaction(db, async () => {
        const { end } = await beginAttempt(db, id, 'resolve', lock.run);
        if (as === 'applied') await recordMigration(db, entry, 'applied', row?.durationMs ?? 0);
        else if (row) await removeMigration(db, id);
        await end();
      });
      return { id, state: as === 'applied' ? 'applied' : 'pending' };
    },
  );
}

/**
 * Steps of a rename that do what is missing and nothing else, as long as that is of use: constraints and indexes before the last phase, the
 * backfill while the old column has authority.
 */
function mayRunAgain({ rows }: Ledger, { rename, step }: LedgerRow): boolean {
  const hasRun = (other: LedgerRow['step']): boolean =>
    rows.some((row) => row.rename === rename && row.step === other && row.state === 'applied');
  if (step === 'constrain') return !hasRun('contract');
  return step === 'backfill' && !hasRun('switch');
}
