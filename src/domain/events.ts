import type { PhaseError } from './errors/phase-error.ts';
import type { MigrationKind, Phase } from './manifest.ts';
import type { Release } from './release.ts';
import type { RunProgress } from './run-progress.ts';

/** Which migration an event is about. */
export interface MigrationRef {
  readonly id: string;
  readonly kind: MigrationKind;
  readonly release: Release;
  readonly rename: string | null;
  readonly phase: Phase | null;
}

interface Step extends MigrationRef {
  readonly direction: 'up' | 'down';
}

interface Gate {
  /** The migration that it stands before. */
  readonly id: string;
  readonly rename: string;
  readonly phase: 2 | 3;
}

/** A run of `migrate` or `finish` came to its end. */
export interface MigratedEvent {
  readonly type: 'migrated';
  readonly command: 'migrate' | 'finish';
  readonly from: Release | null;
  readonly to: Release;
  readonly applied: readonly string[];
  /** Migrations that wait for `finish`. */
  readonly held: readonly string[];
  /** Releases that are left: with `slowRoll`. */
  readonly remaining: readonly Release[];
  readonly durationMs: number;
}

/** A command did not come to its end; what it had done before stands. */
export interface FailedEvent {
  readonly type: 'failed';
  readonly command: 'migrate' | 'finish' | 'rollback';
  /** What was to be migrated to, as it was said; null where nothing said it, or for a rollback. */
  readonly release: string | null;
  /** The migration that failed; null where it was none. */
  readonly id: string | null;
  /** What had run before: applied, or undone by a rollback. */
  readonly done: readonly string[];
  readonly error: PhaseError;
}

/** What a command tells while it works, in this order; durations in milliseconds. */
export type RunEvent =
  | { readonly type: 'waitingForLock'; readonly holder: string }
  | { readonly type: 'waiting'; readonly message: string; readonly missing: readonly string[] }
  | ({ readonly type: 'held' } & MigrationRef)
  | ({ readonly type: 'stepStarted' } & Step)
  | ({ readonly type: 'gateStarted' } & Gate)
  | ({ readonly type: 'gatePassed'; readonly doubts: readonly string[] } & Gate)
  | ({ readonly type: 'gateRefused'; readonly error: PhaseError } & Gate)
  | {
      readonly type: 'lockRetry';
      readonly id: string;
      readonly attempt: number;
      readonly pauseMs: number;
      readonly blockers: readonly string[];
    }
  | ({ readonly type: 'progress'; readonly id: string } & RunProgress)
  | { readonly type: 'log'; readonly id: string; readonly message: string }
  | { readonly type: 'notice'; readonly message: string }
  | ({ readonly type: 'stepDone'; readonly durationMs: number } & Step)
  | ({ readonly type: 'stepFailed'; readonly durationMs: number; readonly error: PhaseError } & Step)
  | MigratedEvent
  | FailedEvent
  | {
      readonly type: 'hookFailed';
      readonly hook: 'afterMigrate' | 'onFailure';
      readonly reason: string;
      /** It had not ended in its time, and may still be at work. */
      readonly isLate: boolean;
    };

/** Told of each event; nothing waits for it. */
export type OnEvent = (event: RunEvent) => void;

/** What an event says of a migration. */
export function migrationRef({
  id,
  kind,
  release,
  rename,
  phase,
}: {
  readonly id: string;
  readonly kind: MigrationKind;
  readonly release: Release;
  readonly rename?: string | null | undefined;
  readonly phase?: Phase | null | undefined;
}): MigrationRef {
  return { id, kind, release, rename: rename ?? null, phase: phase ?? null };
}
