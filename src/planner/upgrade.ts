import type { BlockedStep, OrderedMigration, Plan, PlanMode, PlanStep } from '../domain/plan.ts';
import { BEFORE_ALL, compareReleases, inRange, type Release } from '../domain/release.ts';

export interface UpgradeInput {
  /** Every migration up to `to`, in order. */
  readonly migrations: readonly OrderedMigration[];
  readonly applied: ReadonlySet<string>;
  readonly from: Release | null;
  readonly to: Release;
  /** Releases that may be running while this runs; empty when nothing is. */
  readonly alive: readonly Release[];
  readonly mode: PlanMode;
  /** Releases with a released manifest, where the way may be broken into several. */
  readonly released: readonly Release[];
}

/**
 * What a run up to a release does: which steps run, which are held because they would break a release that is alive,
 * and which would have to pass a held one.
 */
export function planUpgrade(input: UpgradeInput): Plan {
  const { held, blocked } = classify(input);
  const stops = blocked.length === 0 ? [] : findStops(input);
  return {
    from: input.from,
    to: input.to,
    mode: input.mode,
    steps: describe(input, held),
    held: [...held],
    stops,
    pointOfNoReturn: pointOfNoReturn(input),
    blocked,
  };
}

/** Whether a step cannot run while one of these releases is alive. */
function breaksAny(migration: Pick<OrderedMigration, 'breaks'>, releases: readonly Release[]): boolean {
  const { breaks } = migration;
  return breaks !== undefined && releases.some((release) => inRange(release, breaks));
}

function classify({ migrations, applied, alive }: UpgradeInput): { held: Set<string>; blocked: BlockedStep[] } {
  const held = new Set<string>();
  const blocked: BlockedStep[] = [];
  let firstHeld: string | null = null;
  for (const migration of migrations) {
    if (applied.has(migration.id)) continue;
    if (breaksAny(migration, alive)) {
      held.add(migration.id);
      firstHeld ??= migration.id;
    } else if (firstHeld !== null) {
      blocked.push({ id: migration.id, heldId: firstHeld });
    }
  }
  return { held, blocked };
}

/** The steps with their state, and after each the releases that can run. */
function describe(input: UpgradeInput, held: ReadonlySet<string>): PlanStep[] {
  const releases = releasesInView(input);
  const missing = new Map(releases.map((release) => [release, countMissing(input, held, release)]));
  const broken = new Set<Release>();
  for (const migration of input.migrations) {
    if (input.applied.has(migration.id)) markBroken(migration, releases, broken);
  }
  return input.migrations.map((migration) => {
    const state = input.applied.has(migration.id) ? 'applied' : held.has(migration.id) ? 'held' : 'pending';
    if (state === 'pending') {
      markBroken(migration, releases, broken);
      for (const release of releases) {
        if (compareReleases(migration.release, release) <= 0) missing.set(release, (missing.get(release) ?? 0) - 1);
      }
    }
    return {
      id: migration.id,
      kind: migration.kind,
      release: migration.release,
      rename: migration.rename ?? null,
      phase: migration.phase ?? null,
      state,
      runnable: releases.filter((release) => missing.get(release) === 0 && !broken.has(release)),
    };
  });
}

function releasesInView({ migrations, alive, from, to }: UpgradeInput): Release[] {
  const named = [...migrations.map(({ release }) => release), ...alive, to, ...(from === null ? [] : [from])];
  const lowest = from ?? alive[0] ?? BEFORE_ALL;
  return [...new Set(named)]
    .filter((release) => release !== BEFORE_ALL && compareReleases(release, lowest) >= 0)
    .sort(compareReleases);
}

function countMissing({ migrations, applied }: UpgradeInput, held: ReadonlySet<string>, release: Release): number {
  return migrations.filter(
    (migration) =>
      !applied.has(migration.id) && !held.has(migration.id) && compareReleases(migration.release, release) <= 0,
  ).length;
}

function markBroken(migration: OrderedMigration, releases: readonly Release[], broken: Set<Release>): void {
  for (const release of releases) if (breaksAny(migration, [release])) broken.add(release);
}

/** The first step not applied yet after which a release that is alive could not be started again. */
function pointOfNoReturn({ migrations, applied, from, alive }: UpgradeInput): string | null {
  const before = from === null ? alive : [from, ...alive];
  return migrations.find((migration) => !applied.has(migration.id) && breaksAny(migration, before))?.id ?? null;
}

/**
 * The shortest list of released manifests to stop at, rolling out and finishing at each, so that nothing has to pass a
 * held step; among equally short ones, the latest. Empty when there is none.
 */
function findStops(input: UpgradeInput): Release[] {
  const candidates = input.released
    .filter((release) => compareReleases(release, input.to) < 0)
    .sort(compareReleases)
    .reverse();
  const seen = new Set<Release>();
  let ways: { at: Release | null; stops: Release[] }[] = [{ at: null, stops: [] }];
  while (ways.length > 0) {
    const arrived = ways.find(({ at, stops }) => stops.length > 0 && reachable(input, at, input.to));
    if (arrived) return arrived.stops;
    ways = ways.flatMap(({ at, stops }) =>
      candidates
        .filter(
          (release) =>
            !seen.has(release) && (at === null || compareReleases(release, at) > 0) && reachable(input, at, release),
        )
        .map((release) => {
          seen.add(release);
          return { at: release, stops: [...stops, release] };
        }),
    );
  }
  return [];
}

/** Whether one jump leads from where a stop was finished (null: from the beginning) to another release. */
function reachable(input: UpgradeInput, from: Release | null, to: Release): boolean {
  const upTo = (release: Release) => (migration: OrderedMigration) => compareReleases(migration.release, release) <= 0;
  const done = from === null ? [] : input.migrations.filter(upTo(from));
  const alive = from === null ? input.alive.filter((release) => compareReleases(release, to) <= 0) : [from, to];
  const { blocked } = classify({
    ...input,
    migrations: input.migrations.filter(upTo(to)),
    applied: new Set([...input.applied, ...done.map(({ id }) => id)]),
    alive: from === null ? [...alive, to] : alive,
  });
  return blocked.length === 0;
}
