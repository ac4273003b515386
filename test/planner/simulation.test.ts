import { expect, test } from '@jest/globals';
import { seeded } from '../../src/replay/random.ts';
import { type History, makeHistory } from '../support/simulator/history.ts';
import { Memory } from '../support/simulator/memory.ts';
import { Broken, Operator, Refused, type Way, wayOf, waysBetween } from '../support/simulator/ways.ts';

const HISTORIES = Number(process.env.HISTORIES ?? 300);
const FIRST_SEED = Number(process.env.SEED ?? 1);

/** A database in which everything up to a release has run. */
function databaseAt(history: History, operator: Operator, place: number): Memory {
  const memory = new Memory(history);
  for (const { id } of operator.order(place)) memory.run(id);
  return memory;
}

/** Goes one way with clients of every release that may be alive, at each moment. @throws Refused. */
function go(history: History, from: number, way: Way): string {
  const operator = new Operator(history, from);
  const memory = databaseAt(history, operator, from);
  for (const action of way.actions) {
    for (const { ran, alive, runnable } of operator.run(action)) {
      if (ran !== null) memory.run(ran);
      const fleet = way.tryRunnable ? [...new Set([...alive, ...runnable])] : alive;
      for (const writer of fleet) memory.exercise(writer, fleet);
    }
  }
  return memory.fingerprint();
}

/** Without a matcher, which would take most of the time. */
function expectSame(end: string, expected: string): void {
  if (end !== expected) throw new Error(`ends as ${end} instead of ${expected}`);
}

const counts = { ways: 0, refused: 0, stops: 0 };

function check(history: History, from: number, to: number): void {
  const target = new Operator(history, to);
  const expected = databaseAt(history, target, to).fingerprint();
  for (const way of waysBetween(from, to, seeded(history.seed * 64 + from * 8 + to))) {
    const context = { seed: history.seed, from, to, way: way.name };
    counts.ways += 1;
    try {
      expectSame(go(history, from, way), expected);
    } catch (error) {
      if (error instanceof Broken) continue;
      if (!(error instanceof Refused)) {
        throw new Error(`${JSON.stringify(context)}: ${(error as Error).message}`, { cause: error });
      }
      counts.refused += 1;
      if (way.name !== 'one jump with finish') continue;
      const stops = wayOf(error.plan, history, to);
      if (error.plan.stops.length === 0) continue;
      counts.stops += 1;
      expectSame(go(history, from, stops), expected);
    }
  }
}

test(`every way between any two releases of ${HISTORIES} histories ends alike, and breaks nobody`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
    const random = seeded(seed);
    const history = makeHistory(seed, random, { releases: 3 + Math.floor(random() * 6), unknown: seed % 3 === 0 });
    const last = history.releases.length - 1;
    for (let from = 0; from < last; from++) for (let to = from + 1; to <= last; to++) check(history, from, to);
  }
  // A simulation in which nothing is refused, or everything, shows nothing.
  expect(counts.refused / counts.ways).toBeGreaterThan(0.02);
  expect(counts.refused / counts.ways).toBeLessThan(0.7);
  expect(counts.stops).toBeGreaterThan(HISTORIES / 10);
});
