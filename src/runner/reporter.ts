import type { RunProgress } from '../ledger/runs.ts';

/** What a run tells while it works. Nothing of it is a result. */
export interface Reporter {
  waitingForLock(holder: string): void;
  stepStarted(id: string): void;
  stepDone(id: string, durationMs: number): void;
  gate(rename: string, phase: number): void;
  lockRetry(id: string, attempt: number, pauseMs: number, blockers: readonly string[]): void;
  backfill(id: string, progress: RunProgress): void;
  log(id: string, message: string): void;
  notice(message: string): void;
}

const nothing = (): void => undefined;

/** For runs that nobody watches. */
export const silentReporter: Reporter = {
  waitingForLock: nothing,
  stepStarted: nothing,
  stepDone: nothing,
  gate: nothing,
  lockRetry: nothing,
  backfill: nothing,
  log: nothing,
  notice: nothing,
};
