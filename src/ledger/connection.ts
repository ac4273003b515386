import { quoteIdent } from '../domain/identifier.ts';
import type { LedgerDb } from '../postgres/queryable.ts';

/** The schema of the ledger as it stands in statements, in front of a table's name. */
export function ledgerOf(db: Pick<LedgerDb, 'ledgerSchema'>): string {
  return quoteIdent(db.ledgerSchema);
}
