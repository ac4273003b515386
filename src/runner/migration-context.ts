import type { BackfillRequest } from '../data/backfill.ts';

/** The second argument of a migration's `up` and `down`. */
export interface MigrationContext {
  /**
   * Writes a value into every row that still needs it, in batches, from where an earlier try stopped. Only in a
   * migration that declares `transaction: false`.
   */
  backfill(request: BackfillRequest): Promise<{ rows: number }>;
  /** Tells whoever watches the run. */
  log(message: string): void;
}
