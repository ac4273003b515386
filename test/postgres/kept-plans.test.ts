import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { withKeptPlans } from '../../src/postgres/kept-plans.ts';
import { all } from '../../src/postgres/queryable.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const QUESTION = 'SELECT $1::integer + 1 AS next';
const prepared = () =>
  database.sql<{ name: string; plans: number }>(
    'SELECT name, (generic_plans + custom_plans)::integer AS plans, generic_plans::integer AS generic FROM pg_prepared_statements',
  );
const askTwice = (): Promise<unknown[]> =>
  inTransaction(database.client, () =>
    withKeptPlans(database.client, async () => [
      ...(await all(database.client, QUESTION, [1])),
      ...(await all(database.client, QUESTION, [2])),
    ]),
  );

test('what is asked twice is planned once, and so is what the next transaction asks', async () => {
  expect(await askTwice()).toEqual([{ next: 2 }, { next: 3 }]);
  expect(await askTwice()).toEqual([{ next: 2 }, { next: 3 }]);
  expect(await prepared()).toEqual([expect.objectContaining({ plans: 4, generic: 4 })]);
});

test('outside nothing is prepared, and plans are made as ever', async () => {
  await askTwice();
  await all(database.client, 'SELECT $1::integer AS other', [1]);
  expect((await prepared()).length).toBe(1);
  expect(await database.sql('SHOW plan_cache_mode')).toEqual([{ plan_cache_mode: 'auto' }]);
});

test.each(['DISCARD ALL', 'DEALLOCATE ALL'])('after %s of somebody else it is prepared anew', async (statement) => {
  await askTwice();
  await database.sql(statement);
  expect(await askTwice()).toEqual([{ next: 2 }, { next: 3 }]);
});

test('a question that fails, and takes its transaction with it, can be asked again', async () => {
  const broken = () =>
    inTransaction(database.client, () =>
      withKeptPlans(database.client, () => all(database.client, 'SELECT $1::integer / 0', [1])),
    );
  await expect(broken()).rejects.toThrow('division by zero');
  await expect(broken()).rejects.toThrow('division by zero');
  expect(await askTwice()).toEqual([{ next: 2 }, { next: 3 }]);
});
