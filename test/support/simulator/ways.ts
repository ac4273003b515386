import type { OrderedMigration, Plan } from '../../../src/domain/plan.ts';
import { compareReleases, inRange, type Release } from '../../../src/domain/release.ts';
import { aliveReleases } from '../../../src/planner/alive.ts';
import { orderMigrations } from '../../../src/planner/order.ts';
import { planUpgrade } from '../../../src/planner/upgrade.ts';
import type { History, Random } from './history.ts';

/** The application is not rolled back to a release that cannot run any more. */
export class Broken extends Error {}

/** What an operator does. Places of releases in the history. */
export type Action =
  | { readonly kind: 'migrate'; readonly to: number; readonly maintenance?: boolean; readonly slowRoll?: boolean }
  /** Every instance is of this release now. */
  | { readonly kind: 'roll out'; readonly to: number }
  | { readonly kind: 'finish' };

export interface Way {
  readonly name: string;
  readonly actions: readonly Action[];
  /** Also what the plan says can run is started. */
  readonly tryRunnable?: boolean;
}

/** One step, or one action, of a way that is under way. */
export interface Moment {
  /** Ran just now; null for a change of the fleet. */
  readonly ran: string | null;
  /** Places of the releases of which instances may be running. */
  readonly alive: readonly number[];
  /** Those that can run now, by the plan. */
  readonly runnable: readonly number[];
}

/** The jump was refused; where the plan says to stop. */
export class Refused extends Error {
  readonly plan: Plan;

  constructor(plan: Plan) {
    super(`refused: ${JSON.stringify(plan.blocked[0])}`);
    this.plan = plan;
  }
}

const orders = new WeakMap<History, (readonly OrderedMigration[])[]>();

/** As long as nobody edits it, a history has one order. */
function orderOf(history: History, to: number): readonly OrderedMigration[] {
  const known = orders.get(history) ?? [];
  known[to] ??= orderMigrations(history.manifests.slice(0, to + 1));
  orders.set(history, known);
  return known[to];
}

/** What the ledger knows, and the runner that decides by it: the same planner, without a database. */
export class Operator {
  readonly #history: History;
  readonly #applied = new Set<string>();
  readonly #migrated: Release[] = [];
  #confirmed: Release | null = null;
  /** Migrated to since then. */
  #since: Release[] = [];
  /** Of these there may be instances. */
  #fleet: ReadonlySet<number>;

  /** Everything up to `from` is applied, and `from` runs alone. */
  constructor(history: History, from: number) {
    this.#history = history;
    this.#fleet = new Set([from]);
    this.#confirmed = history.releases[from] ?? null;
    for (const { id } of this.order(from)) this.#applied.add(id);
  }

  get alive(): number[] {
    return [...this.#fleet].sort((a, b) => a - b);
  }

  /** Every migration up to a release. */
  order(to: number): readonly OrderedMigration[] {
    return orderOf(this.#history, to);
  }

  /** @throws Refused before anything is done. */
  *run(action: Action): Generator<Moment> {
    switch (action.kind) {
      case 'migrate':
        return yield* this.#migrate(action);
      case 'roll out':
        this.#fleet = new Set([action.to]);
        return yield { ran: null, alive: this.alive, runnable: [] };
      case 'finish':
        return yield* this.#finish();
    }
  }

  *#migrate({ to, maintenance = false }: Extract<Action, { kind: 'migrate' }>): Generator<Moment> {
    if (maintenance) this.#fleet = new Set();
    const release = this.#release(to);
    this.#ensureNotBroken(release);
    yield* this.#runPending(this.#plan(to, maintenance));
    this.#migrated.push(release);
    this.#since.push(release);
    if (maintenance) this.#confirm(release);
    // From now on instances of it may be started, beside those that run.
    this.#fleet = new Set(maintenance ? [to] : [...this.#fleet, to]);
    yield { ran: null, alive: this.alive, runnable: [] };
  }

  *#finish(): Generator<Moment> {
    const release = this.#migrated.at(-1);
    if (release === undefined) throw new Error('nothing was migrated');
    const plan = this.#plan(this.#history.releases.indexOf(release), false, release);
    if (plan.blocked.length > 0) throw new Refused(plan);
    this.#confirm(release);
    yield* this.#runPending(plan);
  }

  #confirm(release: Release): void {
    this.#confirmed = release;
    this.#since = [];
  }

  /** As the runner does: what a step that ran has broken is not migrated to. */
  #ensureNotBroken(release: Release): void {
    for (const id of this.#applied) {
      const breaks = this.#history.steps.get(id)?.entry.breaks;
      if (breaks !== undefined && inRange(release, breaks)) throw new Broken(`${id} breaks ${release}`);
    }
  }

  *#runPending(plan: Plan): Generator<Moment> {
    if (plan.blocked.length > 0) throw new Refused(plan);
    this.#ensureHeldIsRight(plan);
    for (const { id, state, runnable } of plan.steps) {
      if (state !== 'pending') continue;
      this.#applied.add(id);
      yield {
        ran: id,
        alive: this.alive,
        runnable: runnable.map((release) => this.#history.releases.indexOf(release)),
      };
    }
  }

  #plan(to: number, maintenance: boolean, running: Release | null = null): Plan {
    const { releases, renames } = this.#history;
    const release = this.#release(to);
    const confirmed = running ?? this.#confirmed;
    const since = running === null ? this.#since : [];
    const deployment = { servedBefore: true, migrated: this.#migrated, confirmed, since };
    return planUpgrade({
      migrations: this.order(to),
      renames,
      applied: this.#applied,
      from: confirmed,
      to: release,
      alive: maintenance ? [] : aliveReleases(deployment, release, releases),
      mode: maintenance ? 'maintenance' : 'rolling',
      migrated: [...this.#migrated].sort(compareReleases).at(-1) ?? confirmed,
      known: releases,
      released: releases.slice(0, to + 1),
    });
  }

  /** Nothing that breaks an instance runs, whatever the plan thinks is alive. */
  #ensureHeldIsRight(plan: Plan): void {
    for (const { id, state, breaks } of plan.steps) {
      const broken = this.alive.find((place) => breaks !== null && inRange(this.#release(place), breaks));
      if (state === 'pending' && broken !== undefined) throw new Error(`${id} runs while ${broken} is alive`);
    }
  }

  #release(place: number): Release {
    return this.#history.releases[place] ?? '';
  }
}

/** The ways from one release to another, by the kinds of ways that there are. */
export function waysBetween(from: number, to: number, random: Random): Way[] {
  const hops = Array.from({ length: to - from }, (_, index) => from + index + 1);
  const through = (stops: readonly number[]): Action[] =>
    stops.flatMap((stop): Action[] => [
      { kind: 'migrate', to: stop },
      { kind: 'roll out', to: stop },
      { kind: 'finish' },
    ]);
  const some = hops.filter((stop) => stop === to || random() < 0.4);
  const aborted = hops[Math.floor(random() * hops.length)] ?? to;
  return [
    { name: 'release by release', actions: through(hops) },
    { name: 'one jump with finish', actions: through([to]), tryRunnable: true },
    { name: 'one jump in maintenance', actions: [{ kind: 'migrate', to, maintenance: true }] },
    { name: `by ${some.join()}`, actions: through(some) },
    {
      name: 'release by release, the finish only at the end',
      actions: [
        ...hops.flatMap((stop): Action[] => [
          { kind: 'migrate', to: stop },
          { kind: 'roll out', to: stop },
        ]),
        { kind: 'finish' },
      ],
    },
    {
      name: `the roll-out of ${aborted} aborted`,
      actions: [
        { kind: 'migrate', to: aborted },
        { kind: 'roll out', to: from },
        { kind: 'migrate', to },
        { kind: 'roll out', to },
        { kind: 'finish' },
      ],
    },
    {
      name: `${aborted} rolled back after its finish`,
      actions: [
        ...through([aborted]),
        { kind: 'migrate', to: from },
        { kind: 'roll out', to: from },
        { kind: 'migrate', to },
        { kind: 'roll out', to },
        { kind: 'finish' },
      ],
    },
  ];
}

/** The way that a refusal names: its stops, and then on. */
export function wayOf({ stops }: Plan, history: History, to: number): Way {
  const places = [...stops.map(({ release }) => history.releases.indexOf(release)), to];
  return {
    name: `by the stops ${places.join()}`,
    actions: places.flatMap((stop): Action[] => [
      { kind: 'migrate', to: stop },
      { kind: 'roll out', to: stop },
      { kind: 'finish' },
    ]),
  };
}
