import type { Queryable } from '../postgres/queryable.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { History } from '../project/history.ts';
import { baselineOf } from './knex-baseline.ts';
import { type Ledger, recordMigration } from './ledger.ts';

/**
 * Enters what knex has run, with the time at which it did: all of it or nothing, since a ledger that has rows is believed
 * from then on.
 */
export async function takeOver(db: Queryable, ledger: Ledger, history: History): Promise<void> {
  const baseline = baselineOf(ledger, history);
  if (baseline.length === 0) return;
  const times = new Map(ledger.rows.map(({ id, appliedAt }) => [id, appliedAt]));
  await inTransaction(db, async () => {
    for (const entry of baseline) {
      await recordMigration(db, entry, 'applied', 0);
      await db.query('UPDATE phase.migrations SET started_at = $2, finished_at = $2 WHERE id = $1', [
        entry.id,
        times.get(entry.id),
      ]);
    }
  });
}
