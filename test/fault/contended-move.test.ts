import { expect, test } from '@jest/globals';
import { contend } from './contention.ts';

test.each([
  { phase: 1, isGrouped: true, inTransactions: true },
  { phase: 2, isGrouped: false, inTransactions: true },
] as const)(
  'clients that write both sides of a moving value at once meet no error, and leave nothing out of step: %j',
  async (asked) => {
    const { errors, deadlocks, mismatches } = await contend({ writes: 3_000, ...asked });
    expect({ errors, deadlocks, mismatches }).toEqual({ errors: {}, deadlocks: 0, mismatches: 0 });
  },
);
