import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { pauseAfter, withLockRetries } from '../../src/postgres/retry.ts';

test('pauses double up to three seconds, and vary by half', () => {
  expect([1, 2, 3, 6, 9].map((attempt) => pauseAfter(attempt, () => 0.5))).toEqual([100, 200, 400, 3_000, 3_000]);
  expect([0, 1].map((random) => pauseAfter(1, () => random))).toEqual([75, 125]);
});

test('between two attempts there is a pause, in which others get what they wait for', async () => {
  // It is free once somebody else has had his turn, which takes him half a second.
  let isFree = false;
  const other = sleep(500).then(() => {
    isFree = true;
  });
  const said: number[] = [];
  const hooks = { blockers: () => [], onRetry: (attempt: number) => void said.push(attempt) };
  await withLockRetries('It', { lockTimeoutMs: 1, attempts: 6 }, hooks, async () => {
    if (!isFree) throw Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' });
  });
  await other;
  expect(said.length).toBeLessThan(6);
});

test('when the attempts are used up, who was in the way is said', async () => {
  const hooks = { blockers: () => ['pid 7'] };
  const refused = withLockRetries('It', { lockTimeoutMs: 1, attempts: 1 }, hooks, () =>
    Promise.reject(Object.assign(new Error('deadlock detected'), { code: '40P01' })),
  );
  await expect(refused).rejects.toMatchObject({ code: 'PH4002', details: { blockers: ['pid 7'] } });
});
