import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { OrderedMigration } from '../../src/domain/plan.ts';
import { inRange } from '../../src/domain/release.ts';
import { reasonToWait } from '../../src/planner/passing.ts';
import { planUpgrade } from '../../src/planner/upgrade.ts';

const RELEASES = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0', '1.5.0'];
const LAST = RELEASES.length - 1;
const NO_RENAMES = new Map();

/** The rules of a jump as the design states them, step by step, without anything that is clever. */
class Model {
  readonly #migrations: readonly OrderedMigration[];

  constructor(migrations: readonly OrderedMigration[]) {
    this.#migrations = migrations;
  }

  /** What is left after a run; null when it is refused. */
  #run(pending: readonly OrderedMigration[], alive: readonly string[]): OrderedMigration[] | null {
    const held: OrderedMigration[] = [];
    for (const step of pending) {
      if (breaksAny(step, alive)) held.push(step);
      else if (held.some((other) => reasonToWait(step, other, NO_RENAMES) !== null)) return null;
    }
    return held;
  }

  /** Whether the stops lead from the first release to the last, rolling out and finishing at each. */
  leadsThere(stops: readonly number[]): boolean {
    let from = 0;
    let left: readonly OrderedMigration[] = [];
    let ran: readonly OrderedMigration[] = [];
    for (const to of [...stops, LAST]) {
      if (ran.some((step) => breaksAny(step, [RELEASES[to] ?? '']))) return false;
      const between = this.#migrations.filter(({ release }) => place(release) > from && place(release) <= to);
      const held = this.#run([...left, ...between], RELEASES.slice(from, to + 1));
      if (held === null) return false;
      if (to === LAST) return true;
      const after = this.#run(held, [RELEASES[to] ?? '']);
      if (after === null) return false;
      ran = [...ran, ...[...left, ...between].filter((step) => !after.includes(step))];
      [from, left] = [to, after];
    }
    return true;
  }

  /** The fewest stops, among those the latest; null when there is no way. */
  best(): string[] | null {
    const ways = subsets(LAST - 1).filter((stops) => this.leadsThere(stops));
    const shortest = Math.min(...ways.map(({ length }) => length));
    const [best] = ways.filter(({ length }) => length === shortest).sort(later);
    return best?.map((stop) => RELEASES[stop] ?? '') ?? null;
  }
}

const breaksAny = ({ breaks }: OrderedMigration, releases: readonly string[]): boolean =>
  releases.some((release) => breaks !== undefined && inRange(release, breaks));
const place = (release: string): number => RELEASES.indexOf(release);

/** All ascending lists of the places 1 to `count`. */
function subsets(count: number): number[][] {
  return Array.from({ length: 2 ** count }, (_, bits) =>
    Array.from({ length: count }, (_unused, index) => index + 1).filter((stop) => (bits >> (stop - 1)) & 1),
  );
}

function later(a: readonly number[], b: readonly number[]): number {
  const different = a.findIndex((stop, index) => stop !== b[index]);
  return different === -1 ? 0 : (b[different] ?? 0) - (a[different] ?? 0);
}

const release = fc.integer({ min: 1, max: LAST });
const breaks = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: LAST }).map((at) => `<${RELEASES[at]}`) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: LAST }).map((at) => `=${RELEASES[at]}`) },
);
const touches = fc.option(fc.subarray(['public.a', 'public.b', 'public.c', 'public.d']), { nil: undefined, freq: 8 });
const history = fc.array(fc.record({ release, breaks, touches }), { maxLength: 14 }).map((steps) =>
  steps
    .sort((a, b) => a.release - b.release)
    .map(
      (step, index): OrderedMigration => ({
        ...step,
        id: `${index}`,
        release: RELEASES[step.release] ?? '',
        kind: 'schema',
        sha256: '',
      }),
    ),
);

test('the stops are the shortest list by which the jump can be made, and the latest of that length', () => {
  let refused = 0;
  fc.assert(
    fc.property(history, (migrations) => {
      const plan = planUpgrade({
        migrations,
        renames: NO_RENAMES,
        applied: new Set(),
        from: '1.0.0',
        to: '1.5.0',
        alive: RELEASES,
        mode: 'rolling',
        migrated: '1.0.0',
        known: RELEASES,
        released: RELEASES,
      });
      const best = new Model(migrations).best();
      expect(plan.blocked.length === 0).toBe(best?.length === 0);
      expect(plan.stops.map((stop) => stop.release)).toEqual(best ?? []);
      if (plan.stops.length > 0) refused += 1;
    }),
    { numRuns: 3_000 },
  );
  expect(refused).toBeGreaterThan(300);
});
