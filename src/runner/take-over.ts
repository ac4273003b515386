import type { Ledger } from '../ledger/ledger.ts';
import { recordEarlierMigration } from '../ledger/migrations.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { History } from '../project/history.ts';
import { baselineOf } from './former-baseline.ts';

/**
 * Enters what the former tool has run, with the time at which it did: all of it or nothing, since a ledger that has rows is believed
 * from then on.
 */
export async function takeOver(db: LedgerDb, ledger: Ledger, history: History): Promise<void> {
  const baseline = baselineOf(ledger, history);
  if (baseline.length === 0) return;
  const times = new Map(ledger.rows.map(({ id, appliedAt }) => [id, appliedAt]));
  await inTransaction(db, async () => {
    for (const entry of baseline) {
      await recordEarlierMigration(db, entry, times.get(entry.id) ?? null);
    }
  });
}
