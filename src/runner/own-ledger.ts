import { type Ledger, readLedger } from '../ledger/ledger.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { knexTableOf } from '../project/database.ts';
import type { History } from '../project/history.ts';

/**
 * Reads what the ledger has of a project.
 * @param asks the session only asks what is applied.
 * @throws as `readLedger` does.
 */
export function readOwnLedger(
  db: LedgerDb,
  project: Project,
  { manifests }: History,
  { asks = false } = {},
): Promise<Ledger> {
  const own = manifests.flatMap(({ migrations }) => migrations.map(({ id }) => id));
  return readLedger(db, { knexTable: () => knexTableOf(project), own, asks });
}
