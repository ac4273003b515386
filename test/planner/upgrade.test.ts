import { expect, test } from '@jest/globals';
import type { OrderedMigration } from '../../src/domain/plan.ts';
import { BEFORE_ALL } from '../../src/domain/release.ts';
import { aliveReleases } from '../../src/planner/alive.ts';
import { planUpgrade, type UpgradeInput } from '../../src/planner/upgrade.ts';

const migration = (id: string, release: string, breaks?: string): OrderedMigration => ({
  id,
  release,
  kind: 'schema',
  sha256: '',
  ...(breaks === undefined ? {} : { breaks }),
});
/** A rename over 1.1.0 to 1.3.0, and something of 1.4.0 after it. */
const HISTORY = [
  migration('1_expand', '1.1.0'),
  migration('2_switch', '1.2.0'),
  migration('3_contract', '1.3.0', '<1.2.0'),
  migration('4_more', '1.4.0'),
];
const KNOWN = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0'];

function plan(from: string | null, to: string, more: Partial<UpgradeInput> = {}) {
  const alive = aliveReleases({ servedBefore: true, migrated: [], confirmed: from }, to, KNOWN);
  return planUpgrade({
    renames: new Map(),
    migrated: from,
    known: KNOWN,
    migrations: HISTORY.filter(({ release }) => release <= to),
    applied: new Set(HISTORY.filter(({ release }) => from !== null && release <= from).map(({ id }) => id)),
    from,
    to,
    alive,
    mode: 'rolling',
    released: KNOWN,
    ...more,
  });
}
const states = (result: ReturnType<typeof plan>) =>
  Object.fromEntries(result.steps.map(({ id, state }) => [id, state]));

test('release by release nothing is held', () => {
  expect(states(plan('1.2.0', '1.3.0'))).toMatchObject({ '3_contract': 'pending' });
  expect(plan('1.2.0', '1.3.0').held).toEqual([]);
});

test('a step that breaks a release that is alive is held, and it is the point of no return', () => {
  const jump = plan('1.1.0', '1.3.0');
  expect(states(jump)).toMatchObject({ '2_switch': 'pending', '3_contract': 'held' });
  expect(jump.pointOfNoReturn).toBe('3_contract');
  expect(jump.blocked).toEqual([]);
});

test('nothing may pass a held step: the jump is refused with the stops that make it possible', () => {
  const jump = plan('1.0.0', '1.4.0');
  const pair = { id: '4_more', heldId: '3_contract', reason: { kind: 'unknown', ids: ['4_more', '3_contract'] } };
  expect(jump.blocked).toEqual([pair]);
  expect(jump.stops).toEqual([{ release: '1.3.0', ...pair }]);
});

test('among equally short ways the stops are the latest', () => {
  expect(plan('1.1.0', '1.4.0').stops.map(({ release }) => release)).toEqual(['1.3.0']);
});

test('in maintenance everything runs in order', () => {
  const jump = plan('1.0.0', '1.4.0', { alive: [], mode: 'maintenance' });
  expect(jump.steps.filter(({ state }) => state === 'pending').map(({ id }) => id)).toEqual([
    '1_expand',
    '2_switch',
    '3_contract',
    '4_more',
  ]);
});

test('after each step it says which releases can run', () => {
  const { steps } = plan('1.0.0', '1.3.0', { alive: [], mode: 'maintenance' });
  expect(steps.map(({ runnable }) => runnable)).toEqual([
    ['1.0.0', '1.1.0'],
    ['1.0.0', '1.1.0', '1.2.0'],
    ['1.2.0', '1.3.0'],
  ]);
});

test('a held step runs last, so that what it breaks can run until then', () => {
  const { steps } = plan('1.0.0', '1.3.0');
  expect(steps.map(({ runnable }) => runnable)).toEqual([
    ['1.0.0', '1.1.0'],
    ['1.0.0', '1.1.0', '1.2.0', '1.3.0'],
    ['1.2.0', '1.3.0'],
  ]);
});

test('alive are all releases from the last confirmed one up to the target', () => {
  expect(aliveReleases({ servedBefore: true, migrated: ['1.3.0'], confirmed: '1.1.0' }, '1.3.0', KNOWN)).toEqual([
    '1.1.0',
    '1.2.0',
    '1.3.0',
  ]);
});

test('a release that was migrated and never rolled out keeps the older ones alive', () => {
  expect(aliveReleases({ servedBefore: false, migrated: ['1.1.0'], confirmed: null }, '1.3.0', KNOWN)[0]).toBe('1.1.0');
});

test('a database with tables of before is served by something older than every manifest', () => {
  expect(aliveReleases({ servedBefore: true, migrated: [], confirmed: null }, '1.1.0', KNOWN)[0]).toBe(BEFORE_ALL);
  expect(aliveReleases({ servedBefore: false, migrated: [], confirmed: null }, '1.1.0', KNOWN)).toEqual(['1.1.0']);
});

test('a confirmed pre-release counts as the release whose manifest it runs', () => {
  expect(aliveReleases({ servedBefore: true, migrated: [], confirmed: '1.2.0-rc.1' }, '1.3.0', KNOWN)).toEqual([
    '1.2.0',
    '1.3.0',
  ]);
});
