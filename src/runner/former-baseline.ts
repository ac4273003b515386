import type { OrderedMigration } from '../domain/plan.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { orderMigrations } from '../planner/order.ts';
import type { History } from '../project/history.ts';

/** The migrations of the manifests that the former tool has run, and the ledger has not yet. */
export function baselineOf({ rows }: Ledger, history: History): OrderedMigration[] {
  const ran = new Set(rows.filter(({ sha256 }) => sha256 === null).map(({ id }) => id));
  return ran.size === 0 ? [] : orderMigrations(history.manifests).filter(({ id }) => ran.has(id));
}
