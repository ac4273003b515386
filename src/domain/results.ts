import type { PhaseError } from './errors/phase-error.ts';
import type { Release } from './release.ts';

/** The migration that a run stopped at. */
interface FailedStep {
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

/** What `migrate` or `finish` did, also where it failed in the middle. */
export interface MigrateResult {
  /** The release that was migrated last before; null where none was. */
  readonly from: Release | null;
  readonly to: Release;
  readonly applied: readonly string[];
  /** Migrations that would break a release that is alive: they wait for `finish`. */
  readonly held: readonly string[];
  readonly failed: FailedStep | null;
  readonly durationMs: number;
  /** Releases that still have migrations to run: with `slowRoll`. */
  readonly remaining: readonly Release[];
}

/** What `rollback` did, also where it failed in the middle: the last migration first. */
export interface RollbackResult {
  readonly reverted: readonly string[];
  readonly failed: FailedStep | null;
}

/** What a run did, and why it stopped where it failed. */
export interface Ended<R extends MigrateResult | RollbackResult> {
  readonly result: R;
  readonly error: PhaseError | null;
}
