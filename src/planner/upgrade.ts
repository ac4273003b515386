import type { Changes } from '../domain/change.ts';
import type { OrderedMigration, Plan, PlanMode, PlanStep } from '../domain/plan.ts';
import { BEFORE_ALL, manifestRelease, type Release } from '../domain/release.ts';
import { type Holding, holdingOf } from './holding.ts';
import { runnableAfter } from './runnable.ts';
import { findStops } from './stops.ts';
import { Timeline } from './timeline.ts';

export interface UpgradeInput {
  /** Every migration up to `to`, in order. */
  readonly migrations: readonly OrderedMigration[];
  readonly renames: Changes;
  readonly applied: ReadonlySet<string>;
  readonly from: Release | null;
  readonly to: Release;
  /** Releases that may be running while this runs; empty when nothing is. */
  readonly alive: readonly Release[];
  readonly mode: PlanMode;
  /** The highest release that was migrated to, which may have been rolled out; null when none was. */
  readonly migrated: Release | null;
  /** Releases that have a manifest. */
  readonly known: readonly Release[];
  /** Those whose manifest is released, where the way may be broken into several. */
  readonly released: readonly Release[];
}

/**
 * What a run up to a release does: which steps run, which are held because they would break a release that is alive,
 * and which would have to pass a held one and may not.
 */
export function planUpgrade(input: UpgradeInput): Plan {
  const timeline = timelineOf(input);
  const holding = hold(input, timeline);
  const held = new Set(holding.held.map(({ id }) => id));
  return {
    from: input.from,
    to: input.to,
    mode: input.mode,
    steps: stepsOf(input, held),
    held: [...held],
    stops: holding.blocked.length === 0 ? [] : stopsFor(input, timeline),
    pointOfNoReturn: pointOfNoReturn(input, timeline),
    blocked: holding.blocked,
  };
}

function timelineOf({ migrations, alive, known, from, to, migrated }: UpgradeInput): Timeline {
  const named = [...migrations.map(({ release }) => release), ...alive, ...known];
  const given = [from, to, migrated].filter((release) => release !== null);
  return new Timeline([...named, ...given, ...given.map((release) => manifestRelease(release, known))]);
}

function hold({ migrations, applied, alive, renames }: UpgradeInput, timeline: Timeline): Holding {
  const places = new Set(alive.map((release) => timeline.place(release)));
  const isHeld = ({ breaks }: OrderedMigration): boolean =>
    breaks !== undefined && timeline.within(breaks).some((place) => places.has(place));
  const pending = migrations.filter(({ id }) => !applied.has(id));
  return holdingOf(pending, isHeld, renames);
}

function stepsOf(input: UpgradeInput, held: ReadonlySet<string>): PlanStep[] {
  const { migrations, applied } = input;
  const view = new Timeline(releasesInView(input));
  const runnable = runnableAfter(view, migrations, { applied, held, lowest: lowestInView(input, view) });
  return migrations.map(({ id, kind, release, rename, phase, breaks }) => ({
    id,
    kind,
    release,
    rename: rename ?? null,
    phase: phase ?? null,
    breaks: breaks ?? null,
    state: applied.has(id) ? 'applied' : held.has(id) ? 'held' : 'pending',
    runnable: runnable.get(id) ?? [],
  }));
}

function releasesInView({ migrations, alive, from, to }: UpgradeInput): Release[] {
  const named = [...migrations.map(({ release }) => release), ...alive, to, ...(from === null ? [] : [from])];
  return named.filter((release) => release !== BEFORE_ALL);
}

/** What is older than the release that it starts from is gone. */
function lowestInView({ from }: UpgradeInput, view: Timeline): number {
  return from === null ? 0 : view.place(from);
}

/** The first step not applied yet after which a release that is alive could not be started again. */
function pointOfNoReturn({ migrations, applied, from, alive }: UpgradeInput, timeline: Timeline): string | null {
  const before = new Set([...alive, ...(from === null ? [] : [from])].map((release) => timeline.place(release)));
  const breaksOne = ({ breaks }: OrderedMigration) =>
    breaks !== undefined && timeline.within(breaks).some((place) => before.has(place));
  return migrations.find((migration) => !applied.has(migration.id) && breaksOne(migration))?.id ?? null;
}

function stopsFor(input: UpgradeInput, timeline: Timeline): Plan['stops'] {
  const { alive, migrated, to, known } = input;
  const low = Math.min(...alive.map((release) => timeline.place(release)));
  // Above it, what is alive only because the jump would bring it is not there when the way stops before.
  const high = migrated === null ? low : Math.max(low, timeline.place(manifestRelease(migrated, known)));
  return findStops({ ...input, timeline, low, high, to: timeline.place(manifestRelease(to, known)) });
}
