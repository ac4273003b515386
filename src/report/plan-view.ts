import { groupBy } from '../domain/group.ts';
import type { Plan, PlanStep } from '../domain/plan.ts';
import { BEFORE_ALL, compareReleases, type Release } from '../domain/release.ts';

/** A plan as people look at it: text, diagram and page show the same. */
export interface PlanView {
  readonly plan: Plan;
  /** What is still to run before the roll-out, by release, in order. */
  readonly groups: readonly ReleaseGroup[];
  /** What runs with the finish. */
  readonly held: readonly PlanStep[];
  readonly applied: number;
  /** Every release that is spoken of, ascending. */
  readonly releases: readonly Release[];
  /** In one sentence, whether it can be done. */
  readonly verdict: string;
}

interface ReleaseGroup {
  readonly release: Release;
  readonly steps: readonly PlanStep[];
}

export function viewOf(plan: Plan): PlanView {
  const pending = plan.steps.filter(({ state }) => state === 'pending');
  const named = [...plan.steps.flatMap(({ release, runnable }) => [release, ...runnable]), plan.to];
  return {
    plan,
    groups: [...groupBy(pending, ({ release }) => release)].map(([release, steps]) => ({ release, steps })),
    held: plan.steps.filter(({ state }) => state === 'held'),
    applied: plan.steps.filter(({ state }) => state === 'applied').length,
    releases: [...new Set(named)].sort(compareReleases),
    verdict: verdictOf(plan, pending.length),
  };
}

function verdictOf({ blocked, stops, held, mode, to }: Plan, pending: number): string {
  if (blocked.length > 0) {
    const way =
      stops.length > 0
        ? `stop at ${stops.map(({ release }) => release).join(', then ')}, rolling out and finishing at each`
        : 'no list of stops leads there; it takes maintenance';
    return `Not in one jump without downtime: ${way}.`;
  }
  if (mode === 'maintenance') return 'In maintenance: nothing is alive, everything runs in order.';
  if (pending + held.length === 0) return `Nothing is left to run for ${to}.`;
  if (held.length === 0) return 'Without downtime, and nothing is held.';
  return `Without downtime: ${pending} before the roll-out of ${to}, ${held.length} held until its finish.`;
}

/** The release that stands for everything older than the manifests has no number. */
export function sayRelease(release: Release | null): string {
  if (release === null) return '(none)';
  return release === BEFORE_ALL ? '(before the first manifest)' : release;
}

/** Releases in few words: neighbours as a range. */
export function sayReleases(some: readonly Release[], all: readonly Release[]): string {
  const spans: [Release, Release][] = [];
  let last = -2;
  for (const release of some) {
    const place = all.indexOf(release);
    const span = spans.at(-1);
    if (span && place === last + 1) span[1] = release;
    else spans.push([release, release]);
    last = place;
  }
  return spans.map(([from, to]) => (from === to ? from : `${from} to ${to}`)).join(', ') || 'none';
}
