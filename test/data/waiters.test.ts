import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { WaiterWatch } from '../../src/data/throttle/waiters.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
const clients: pg.Client[] = [];
beforeEach(async () => {
  database = await createDatabase();
  await database.sql('CREATE TABLE users (id int PRIMARY KEY, n int); INSERT INTO users VALUES (1, 0), (2, 0)');
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
  await database.drop();
});

async function connected(): Promise<pg.Client & { processID: number }> {
  const client = new pg.Client({ connectionString: database.url });
  clients.push(client);
  await client.connect();
  return client as pg.Client & { processID: number };
}

/** A batch that has written a row and goes on, and a client of the application that waits for that row. */
async function batchAndWaiter(id: number) {
  const [batch, waiter] = [await connected(), await connected()];
  await batch.query('BEGIN');
  await batch.query('UPDATE users SET n = n + 1 WHERE id = $1', [id]);
  const working = batch.query('SELECT pg_sleep(20)').then(
    () => 'done',
    ({ code }) => code,
  );
  const waiting = waiter.query('UPDATE users SET n = 10 WHERE id = $1', [id]);
  return { batch, working, waiting };
}

test('a batch that others wait for is cancelled once it is over its time, and one that is not is told of them', async () => {
  const [over, within] = [await batchAndWaiter(1), await batchAndWaiter(2)];
  const watch = new WaiterWatch(database.client, () => 5_000);
  const told: string[] = [];
  const began = performance.now();
  watch.watch({ pid: over.batch.processID, since: began - 60_000, blocks: (count) => void told.push(`over ${count}`) });
  watch.watch({
    pid: within.batch.processID,
    since: began + 60_000,
    blocks: (count) => void told.push(`within ${count}`),
  });
  try {
    expect(await over.working).toBe('57014');
    await over.batch.query('ROLLBACK');
    await over.waiting;
    for (const look of ['over 1', 'within 1']) while (!told.includes(look)) await sleep(50);
    // Still at work: it has its time.
    expect(await Promise.race([within.working, sleep(0, 'at work')])).toBe('at work');
  } finally {
    watch.stop();
    await database.sql('SELECT pg_cancel_backend($1)', [within.batch.processID]);
    await within.working;
    await within.batch.query('ROLLBACK');
    await within.waiting;
  }
});
