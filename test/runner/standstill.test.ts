import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Standstill } from '../../src/runner/standstill.ts';

const STOPPED_MS = 700;

test('the longest time that the process stood still is known, also after it went on', async () => {
  const standstill = new Standstill();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOPPED_MS);
  expect(standstill.longestMs).toBeGreaterThanOrEqual(STOPPED_MS - 1);
  await sleep(150);
  expect(standstill.longestMs).toBeGreaterThanOrEqual(STOPPED_MS - 1);
  standstill.stop();
});
