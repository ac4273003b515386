import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { OrderedMigration } from '../../src/domain/plan.ts';
import { allowedOrders } from '../../src/planner/allowed-orders.ts';
import { reasonToWait } from '../../src/planner/passing.ts';

const NO_RENAMES = new Map();
const step = (id: string, touches: string[]): OrderedMigration => ({
  id,
  release: '1.0.0',
  kind: 'schema',
  sha256: '',
  touches,
});
const orders = (steps: OrderedMigration[], held: string[], count = 20) =>
  allowedOrders(steps, new Set(held), NO_RENAMES, { count, random: Math.random }).map((order) =>
    order.steps.map(({ id }) => id).join(''),
  );

test('without held steps there is one order', () => {
  expect(orders([step('a', ['t']), step('b', ['t'])], [])).toEqual(['ab']);
});

test('a held step runs anywhere up to the first that may not pass it', () => {
  const steps = [step('a', ['t']), step('H', ['t']), step('b', ['u']), step('c', ['u']), step('d', ['t'])];
  expect(orders(steps, ['H'], 100)).toEqual(expect.arrayContaining(['aHbcd', 'abHcd', 'abcHd']));
  expect(new Set(orders(steps, ['H'], 100)).size).toBe(3);
});

test('the first order is that of the manifests, the second the latest for all held steps', () => {
  const steps = [step('H', ['t']), step('a', ['u']), step('K', ['u']), step('b', ['t'])];
  expect(orders(steps, ['H', 'K']).slice(0, 2)).toEqual(['HaKb', 'aHbK']);
});

test('every order is allowed: no step passes one that it has to wait for', () => {
  const steps = fc.array(fc.record({ touches: fc.subarray(['a', 'b', 'c', 'd']), held: fc.boolean() }), {
    maxLength: 10,
  });
  fc.assert(
    fc.property(steps, fc.integer(), (list, seed) => {
      const migrations = list.map(({ touches }, index) => step(String.fromCharCode(97 + index), touches));
      const held = new Set(migrations.filter((_step, index) => list[index]?.held).map(({ id }) => id));
      const random = () => (Math.abs(Math.sin(seed++)) * 10_000) % 1;
      for (const order of allowedOrders(migrations, held, NO_RENAMES, { count: 5, random })) {
        expect(order.steps.map(({ id }) => id).sort()).toEqual(migrations.map(({ id }) => id));
        order.steps.forEach((later, place) => {
          for (const earlier of order.steps.slice(0, place)) {
            if (earlier.id < later.id) continue;
            // `later` stood first, and has been passed.
            expect(held.has(later.id) && !held.has(earlier.id)).toBe(true);
            expect(reasonToWait(earlier, later, NO_RENAMES)).toBeNull();
          }
        });
      }
    }),
  );
});
