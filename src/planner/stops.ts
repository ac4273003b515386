import type { Changes } from '../domain/change.ts';
import type { BlockedStep, OrderedMigration, Stop } from '../domain/plan.ts';
import type { Release } from '../domain/release.ts';
import { type Holding, holdingOf } from './holding.ts';
import { Barrier } from './passing.ts';
import type { Timeline } from './timeline.ts';

export interface StopsInput {
  readonly timeline: Timeline;
  readonly renames: Changes;
  /** Every migration up to `to`, in order. */
  readonly migrations: readonly OrderedMigration[];
  readonly applied: ReadonlySet<string>;
  /** Places on the timeline: the lowest release that is alive, the highest that may be, and where to go. */
  readonly low: number;
  readonly high: number;
  readonly to: number;
  /** Releases with a released manifest. */
  readonly released: readonly Release[];
}

/** Where a way stands: what is still to run, and which releases are alive (places on the timeline). */
interface Standing {
  /** In order. */
  readonly pending: readonly Step[];
  readonly low: number;
  readonly high: number;
  /** Releases that cannot run any more. */
  readonly broken: ReadonlySet<number>;
}

interface Step {
  readonly migration: OrderedMigration;
  /** Of its release. */
  readonly place: number;
  /** Places of the releases that it breaks, ascending. */
  readonly breaks: readonly number[];
}

interface Way {
  readonly at: Standing;
  readonly stops: readonly number[];
}

/**
 * The shortest list of released manifests to stop at, rolling out and finishing at each, so that nothing has to pass a
 * held step; among equally short ones, the latest. Empty when there is none.
 */
export function findStops(input: StopsInput): Stop[] {
  const search = new Search(input);
  const candidates = input.released
    .map((release) => input.timeline.place(release))
    .filter((place) => place < input.to)
    .sort((a, b) => b - a);
  const seen = new Set<number>();
  // All ways of one length at a time, the latest stops first, so that the first to arrive is the one.
  let ways: Way[] = [{ at: search.start, stops: [] }];
  while (ways.length > 0) {
    const next: Way[] = [];
    for (const { at, stops } of ways) {
      const canReach = search.reachOf(at);
      if (stops.length > 0 && canReach(input.to)) return explained(search, stops, input);
      for (const place of candidates) {
        if (seen.has(place) || !canReach(place) || !search.canFinish(at, place)) continue;
        seen.add(place);
        next.push({ at: search.finishedAt(place), stops: [...stops, place] });
      }
    }
    ways = next;
  }
  return [];
}

/** Each stop with the first pair of steps that keeps a jump from leaving it out. */
function explained(search: Search, stops: readonly number[], { timeline, to }: StopsInput): Stop[] {
  return stops.flatMap((place, index) => {
    const before = stops[index - 1];
    const from = before === undefined ? search.start : search.finishedAt(before);
    const pair = search.pairInTheWay(from, stops[index + 1] ?? to);
    return pair ? [{ release: timeline.releases[place] ?? '', ...pair }] : [];
  });
}

/** What jumps lead to, from where a way stands. */
class Search {
  readonly start: Standing;
  readonly #renames: Changes;
  readonly #to: number;
  readonly #pending: readonly Step[];
  /** Steps that break their own release or a later one: for all others nothing is left after their release's finish. */
  readonly #lasting: readonly Step[];

  constructor({ timeline, renames, migrations, applied, low, high, to }: StopsInput) {
    const steps = migrations.map((migration) => ({
      migration,
      place: timeline.place(migration.release),
      breaks: migration.breaks === undefined ? [] : timeline.within(migration.breaks),
    }));
    this.#renames = renames;
    this.#to = to;
    this.#pending = steps.filter(({ migration }) => !applied.has(migration.id));
    this.#lasting = this.#pending.filter(({ place, breaks }) => (breaks.at(-1) ?? -1) >= place);
    const broken = new Set(steps.filter(({ migration }) => applied.has(migration.id)).flatMap(({ breaks }) => breaks));
    this.start = { pending: this.#pending, low, high, broken };
  }

  /** After a release was rolled out and finished: only what would break that release itself is left of it. */
  finishedAt(place: number): Standing {
    const [left, ran] = [[] as Step[], [] as Step[]];
    for (const step of this.#lasting) if (step.place <= place) (step.breaks.includes(place) ? left : ran).push(step);
    const broken = new Set([...this.start.broken, ...ran.flatMap(({ breaks }) => breaks)]);
    return { pending: [...left, ...this.#pending.slice(this.#firstAfter(place))], low: place, high: place, broken };
  }

  /**
   * To which places one jump leads. A step is held from the lowest target on with which it would break a release that is
   * alive. So each pair of which the later may not pass the earlier rules out the targets from where the earlier is held
   * up to where the later is, too: one walk over the steps decides for all targets.
   */
  reachOf({ pending, low, high, broken }: Standing): (place: number) => boolean {
    const barrier = new Barrier(this.#renames);
    const heldFrom = new Map<string, number>();
    const ruledOut = new Int32Array(this.#to + 2);
    for (const { migration, place, breaks } of pending) {
      const first = breaks.find((broken) => broken >= low);
      const from = first === undefined ? this.#to + 1 : Math.max(place, first <= high ? 0 : first);
      const begin = this.#firstInTheWay(barrier, migration, place, heldFrom);
      if (begin < from) {
        ruledOut[begin] = (ruledOut[begin] ?? 0) + 1;
        ruledOut[from] = (ruledOut[from] ?? 0) - 1;
      }
      // Releases ascend: all that follows is out of reach as well.
      if (begin <= place && from > this.#to) break;
      if (first === undefined) continue;
      heldFrom.set(migration.id, from);
      barrier.add(migration);
    }
    let depth = 0;
    const free = Array.from(ruledOut, (change, place) => {
      depth += change;
      return depth === 0 && place > low && !broken.has(place);
    });
    return (place) => free[place] ?? false;
  }

  /** The lowest target with which something is held that a step may not pass. */
  #firstInTheWay(
    barrier: Barrier,
    migration: OrderedMigration,
    place: number,
    heldFrom: ReadonlyMap<string, number>,
  ): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const { held } of barrier.against(migration)) {
      lowest = Math.min(lowest, Math.max(place, heldFrom.get(held.id) ?? 0));
      if (lowest === place) break;
    }
    return lowest;
  }

  /** Whether what is held on the way to a release can run at its finish, past what would break even that release. */
  canFinish(standing: Standing, place: number): boolean {
    if (!this.#lasting.some((step) => step.place <= place && step.breaks.includes(place))) return true;
    return this.#finish(this.#jump(standing, place).held, place).blocked.length === 0;
  }

  pairInTheWay(standing: Standing, place: number): BlockedStep | undefined {
    const { held, blocked } = this.#jump(standing, place);
    return blocked[0] ?? this.#finish(held, place).blocked[0];
  }

  #jump({ pending, low, high }: Standing, place: number): Holding {
    const top = Math.max(high, place);
    const steps = pending.filter((step) => step.place <= place);
    const held = steps.filter(({ breaks }) => breaks.some((broken) => broken >= low && broken <= top));
    return this.#hold(steps, held);
  }

  #finish(held: readonly OrderedMigration[], place: number): Holding {
    const ids = new Set(held.map(({ id }) => id));
    const steps = this.#pending.filter(({ migration }) => ids.has(migration.id));
    return this.#hold(
      steps,
      steps.filter(({ breaks }) => breaks.includes(place)),
    );
  }

  #hold(steps: readonly Step[], held: readonly Step[]): Holding {
    const ids = new Set(held.map(({ migration }) => migration.id));
    const migrations = steps.map(({ migration }) => migration);
    return holdingOf(migrations, ({ id }) => ids.has(id), this.#renames);
  }

  /** Where in `#pending` the steps of later releases begin. */
  #firstAfter(place: number): number {
    let [low, high] = [0, this.#pending.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pending[middle]?.place ?? 0) <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
