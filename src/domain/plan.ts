import type { ManifestEntry, MigrationKind, Phase } from './manifest.ts';
import type { Release } from './release.ts';

/** A migration in its place in the one total order. */
export interface OrderedMigration extends ManifestEntry {
  /** The lowest release whose manifest lists it. */
  readonly release: Release;
  /** The sum of that manifest, once it is released. */
  readonly manifestSum?: string | undefined;
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
  readonly breaks: string | null;
  /** Releases that can run once this step has; for a held one once its finish has come to it. */
  readonly runnable: readonly Release[];
}

/** Why a step may not pass a held one. */
export type BlockReason =
  /** It, or its rename, depends on the held one. */
  | { readonly kind: 'dependency' }
  /** Both touch them. */
  | { readonly kind: 'tables'; readonly tables: readonly string[] }
  /** Nobody has observed which tables these touch. */
  | { readonly kind: 'unknown'; readonly ids: readonly string[] }
  /** Their renames both work on it. */
  | { readonly kind: 'object'; readonly object: string };

/** In words, for a sentence that names both steps already. */
export function sayReason(reason: BlockReason, id: string, heldId: string): string {
  switch (reason.kind) {
    case 'dependency':
      return `${id} depends on ${heldId}.`;
    case 'tables':
      return `Both touch ${reason.tables.join(', ')}.`;
    case 'unknown':
      return `Nobody has observed which tables ${reason.ids.join(' and ')} ${reason.ids.length === 1 ? 'touches' : 'touch'} (phase hash does, while its manifest is open).`;
    case 'object':
      return `Both renames work on ${reason.object}.`;
  }
}

/** A step that would have to pass a held one, and may not. */
export interface BlockedStep {
  readonly id: string;
  readonly heldId: string;
  readonly reason: BlockReason;
}

/** A release to stop at, and the pair of steps because of which the way cannot skip it. */
export interface Stop extends BlockedStep {
  readonly release: Release;
}

/** What a run up to `to` does, in order. */
export interface Plan {
  readonly from: Release | null;
  readonly to: Release;
  readonly mode: PlanMode;
  readonly steps: readonly PlanStep[];
  readonly held: readonly string[];
  /** Releases to roll out and finish on the way when the jump is refused; empty also when no way was found. */
  readonly stops: readonly Stop[];
  readonly pointOfNoReturn: string | null;
  /** Why the jump is refused; empty when it is not. */
  readonly blocked: readonly BlockedStep[];
}
