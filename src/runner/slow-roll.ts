import { compareReleases, manifestRelease, type Release } from '../domain/release.ts';
import { appliedIds, type Ledger } from '../ledger/ledger.ts';
import type { History } from '../project/history.ts';
import { type PlanOptions, planFor, type Target, targetOf } from './prepare.ts';

/**
 * With --slow-roll: the lowest release that has not been migrated to, or has something to run now. What is held in one
 * that was migrated to waits for a finish; what has come late below the one migrated to last runs with that one, since
 * nobody goes back to a release for it. The last one stands for the goal.
 */
export function nextRelease(history: History, ledger: Ledger, goal: Release, options: PlanOptions): Release {
  const target = targetOf(history, goal);
  const manifestOf = (release: Release): Release => manifestRelease(release, target.known);
  const wasReached = (release: Release): boolean =>
    ledger.migrated.some((migrated) => compareReleases(manifestOf(migrated), release) >= 0);
  const canRun = (release: Release): boolean =>
    planFor(targetOf(history, release), ledger, options).steps.some(({ state }) => state === 'pending');
  const left = pendingReleases(target, appliedIds(ledger));
  const lowest = left.find((release) => !wasReached(release) || canRun(release));
  if (lowest === undefined) return goal;
  const last = ledger.migrated.at(-1);
  const next = last !== undefined && compareReleases(manifestOf(last), lowest) > 0 ? last : lowest;
  const hasMore = left.some((release) => compareReleases(release, manifestOf(next)) > 0);
  return hasMore ? next : goal;
}

/** Releases above one that still have something to run on the way to a goal; what is held in that one is for its finish. */
export function releasesLeft(
  history: History,
  done: ReadonlySet<string>,
  { release, goal }: { release: Release; goal: Release },
): Release[] {
  const target = targetOf(history, goal);
  const reached = manifestRelease(release, target.known);
  return pendingReleases(target, done).filter((other) => compareReleases(other, reached) > 0);
}

/** Releases that still have something to run, or held. */
function pendingReleases({ migrations }: Target, done: ReadonlySet<string>): Release[] {
  const left = migrations.filter(({ id }) => !done.has(id)).map(({ release }) => release);
  return [...new Set(left)].sort(compareReleases);
}
