import { afterAll, expect, test } from '@jest/globals';
import { seeded } from '../../src/replay/random.ts';
import { makeHistory } from '../support/simulator/history.ts';
import { SimulatedProject } from '../support/simulator/postgres.ts';
import { waysBetween } from '../support/simulator/ways.ts';

/** `WAYS=1000 npm test -- test/e2e/simulation` for a long run. */
const WAYS = Number(process.env.WAYS ?? 2);
const FIRST_SEED = Number(process.env.SEED ?? 1);
const WAYS_OF_A_HISTORY = 10;

const counts = { ways: 0, refused: 0 };
afterAll(() => {
  if (process.env.WAYS) process.stderr.write(`${JSON.stringify(counts)}\n`);
});

const seeds = Array.from({ length: Math.ceil(WAYS / WAYS_OF_A_HISTORY) }, (_, index) => FIRST_SEED + index);
test.each(seeds)(
  'live clients of history %i meet no error on sampled ways, and all ways end alike',
  async (seed) => {
    const random = seeded(seed);
    const history = makeHistory(seed, random, { releases: 4 + Math.floor(random() * 2) });
    const project = await SimulatedProject.build(history);
    const last = history.releases.length - 1;
    try {
      for (let sample = 0; sample < Math.min(WAYS, WAYS_OF_A_HISTORY); sample++) {
        const from = Math.floor(random() * last);
        const to = from + 1 + Math.floor(random() * (last - from));
        const ways = waysBetween(from, to, random);
        const way = ways[sample % ways.length];
        if (!way) continue;
        const context = { seed, from, to, way: way.name };
        const end = await project.go(from, way).catch((error: Error) => {
          throw new Error(`${JSON.stringify(context)}: ${error.message}`, { cause: error });
        });
        counts.ways += 1;
        if (end === null) counts.refused += 1;
        else expect({ ...context, end }).toEqual({ ...context, end: await project.expectedAt(to) });
      }
    } finally {
      await project.remove();
    }
  },
  300_000,
);

test('most ways were gone to their end', () => {
  expect(counts.refused / counts.ways).toBeLessThan(0.6);
});
