import { setTimeout as sleep } from 'node:timers/promises';
import type { FailedEvent, MigratedEvent } from '../domain/events.ts';
import { reasonOf } from '../postgres/errors.ts';
import { formatDuration } from '../project/duration.ts';
import type { Opened } from './project.ts';

/** A longer one of Node's ends at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Tells the hook of the configuration how a command ended. What was migrated is, so that a hook that fails is said and
 * changes nothing; nor does a chat that does not answer hold up a deployment.
 */
export async function callHook({ project, onEvent }: Opened, event: MigratedEvent | FailedEvent): Promise<void> {
  const { afterMigrate, onFailure, timeout } = project.config.hooks;
  const [hook, call] =
    event.type === 'migrated'
      ? (['afterMigrate', () => afterMigrate?.(event)] as const)
      : (['onFailure', () => onFailure?.(event)] as const);
  const deadline = new AbortController();
  const isLate = sleep(Math.min(timeout, LONGEST_TIMER_MS), true, { signal: deadline.signal }).catch(() => false);
  const isDone = Promise.resolve().then(call);
  try {
    if ((await Promise.race([isLate, isDone.then(() => false)])) === false) return;
    onEvent({ type: 'hookFailed', hook, reason: `it had not ended after ${formatDuration(timeout)}`, isLate: true });
  } catch (error) {
    onEvent({ type: 'hookFailed', hook, reason: reasonOf(error), isLate: false });
  } finally {
    deadline.abort();
  }
}
