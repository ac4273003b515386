import { setTimeout as sleep } from 'node:timers/promises';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { isConnectionLost, isRetryable } from './errors.ts';

/** How long a statement waits for a lock, and how often the whole is tried again. */
export interface LockPatience {
  /** Milliseconds; below deadlock_timeout, so that a deadlock ends with us and never with a client of the application. */
  readonly lockTimeoutMs: number;
  readonly attempts: number;
}

export interface RetryHooks {
  /** Who held the lock in the attempt that just failed, in words. */
  blockers(): readonly string[];
  onRetry?(attempt: number, pauseMs: number, blockers: readonly string[]): void;
}

const LONGEST_PAUSE_MS = 3_000;

/** The pause after an attempt: doubles from 100 ms up to 3 s, and varies by half so that deployers spread. */
export function pauseAfter(attempt: number, random: () => number = Math.random): number {
  const base = Math.min(100 * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
  return Math.round(base * (0.75 + random() * 0.5));
}

/**
 * Tries something until it gets its locks; each try begins anew, also with its time-outs. There is never a last try
 * without one.
 * @throws PH4002 when the attempts are used up; other errors as they are.
 */
export async function withLockRetries<T>(
  what: string,
  patience: LockPatience,
  hooks: RetryHooks,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRetryable(error)) throw error;
      const blockers = hooks.blockers();
      if (tried >= patience.attempts) {
        if (isConnectionLost(error)) throw error;
        throw new PhaseError('PH4002', { what, attempts: tried, blockers }, { cause: error });
      }
      const pause = pauseAfter(tried);
      hooks.onRetry?.(tried, pause, blockers);
      await sleep(pause);
    }
  }
}
