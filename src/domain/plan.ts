import type { ManifestEntry, MigrationKind, Phase } from './manifest.ts';
import type { Release } from './release.ts';

/** A migration in its place in the one total order. */
export interface OrderedMigration extends ManifestEntry {
  /** The lowest release whose manifest lists it. */
  readonly release: Release;
}

/** `rolling`: releases are alive while it runs. `maintenance`: nothing is. */
export type PlanMode = 'rolling' | 'maintenance';

/** One migration in a plan, as `phase plan --json` prints it. */
export interface PlanStep {
  readonly id: string;
  readonly kind: MigrationKind;
  readonly release: Release;
  readonly rename: string | null;
  readonly phase: Phase | null;
  readonly state: 'pending' | 'applied' | 'held';
  /** Releases that can run once this step has. */
  readonly runnable: readonly Release[];
}

/** A step that would have to pass a held one, which nothing may yet. */
export interface BlockedStep {
  readonly id: string;
  readonly heldId: string;
}

/** What a run up to `to` does, in order. */
export interface Plan {
  readonly from: Release | null;
  readonly to: Release;
  readonly mode: PlanMode;
  readonly steps: readonly PlanStep[];
  readonly held: readonly string[];
  /** Releases to roll out and finish on the way when the jump is refused. */
  readonly stops: readonly Release[];
  readonly pointOfNoReturn: string | null;
  /** Why the jump is refused; empty when it is not. */
  readonly blocked: readonly BlockedStep[];
}
