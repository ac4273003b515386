import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { type BackfillSettings, runBackfill } from '../../src/data/backfill.ts';
import { countRows } from '../../src/data/count.ts';
import { Pace } from '../../src/data/pace.ts';
import { ensureLedger } from '../../src/runner/ledger-format.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await ensureLedger(database.client);
});
afterEach(() => database.drop());

const REQUEST = { table: '"public"."t"', set: { copy: '"value"' }, where: '"value" IS DISTINCT FROM "copy"' };
const settings = (more: Partial<BackfillSettings> = {}): BackfillSettings => ({
  migration: 'm',
  part: 'up 1',
  batchDurationMs: 1,
  patience: { lockTimeoutMs: 200, attempts: 5 },
  onProgress: () => undefined,
  ...more,
});
const left = () => countRows(database.client, REQUEST.table, REQUEST.where);
const fill = (rows: number, key = 'id int PRIMARY KEY') =>
  database.sql(
    `CREATE TABLE t (${key}, value text, copy text); INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, ${rows}) AS n`,
  );

test.each(['id int PRIMARY KEY', 'id int'])('every row that needs it is written, with %s', async (key) => {
  await fill(20_000, key);
  await database.sql(`UPDATE t SET copy = value WHERE id % 2 = 0`);
  expect(await runBackfill(database.client, REQUEST, settings())).toEqual({ rows: 10_000, remaining: 0 });
  expect(await left()).toBe(0);
});

test('an empty table is nothing to do', async () => {
  await database.sql('CREATE TABLE t (value text, copy text)');
  expect(await runBackfill(database.client, REQUEST, settings())).toEqual({ rows: 0, remaining: 0 });
});

test('the checkpoint commits with its batch: interrupted anywhere, it goes on and writes no row twice', async () => {
  await fill(20_000);
  const interrupted = new Error('killed');
  for (let kill = 1; kill <= 5; kill++) {
    let batches = 0;
    const onProgress = () => {
      if (++batches === 2) throw interrupted;
    };
    await expect(runBackfill(database.client, REQUEST, settings({ onProgress }))).rejects.toBe(interrupted);
    const [checkpoint] = await database.sql('SELECT rows::int, next_page::int FROM phase.backfills');
    expect(checkpoint.rows).toBe(20_000 - (await left()));
    expect(
      await countRows(database.client, REQUEST.table, `${REQUEST.where} AND ctid < '(${checkpoint.next_page},0)'::tid`),
    ).toBe(0);
  }
  const { rows } = await runBackfill(database.client, REQUEST, settings());
  const [{ total }] = await database.sql('SELECT rows::int AS total FROM phase.backfills');
  expect({ total, rows: rows < 20_000 }).toEqual({ total: 20_000, rows: true });
});

test('a table whose file is replaced in the middle is walked anew', async () => {
  await fill(20_000);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  let replaced: Promise<unknown> | null = null;
  // CLUSTER by the other order puts rows that were not done onto pages that were.
  await database.sql('CREATE INDEX reversed ON t ((-id))');
  const onProgress = () => {
    replaced ??= other.query('CLUSTER t USING reversed');
  };
  await runBackfill(database.client, REQUEST, settings({ onProgress }));
  await replaced;
  await other.end();
  expect(await left()).toBe(0);
});

test('a row that is locked for a moment delays it and nothing else', async () => {
  await fill(5_000);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('BEGIN; UPDATE t SET value = value WHERE id = 2500');
  setTimeout(() => void other.query('COMMIT'), 900);
  await runBackfill(database.client, REQUEST, settings({ patience: { lockTimeoutMs: 200, attempts: 30 } }));
  await other.end();
  expect(await left()).toBe(0);
});

test('a row that stays locked is exit 6, and what was done stays done', async () => {
  await fill(5_000);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('BEGIN; UPDATE t SET value = value WHERE id = 4900');
  await expect(
    runBackfill(database.client, REQUEST, settings({ patience: { lockTimeoutMs: 200, attempts: 2 } })),
  ).rejects.toMatchObject({
    code: 'PH4002',
    exitCode: 6,
  });
  await other.end();
  expect(await left()).toBeLessThan(5_000);
});

test('a condition that never becomes false ends with an error, not never', async () => {
  await fill(100);
  const endless = { ...REQUEST, where: 'id > 0' };
  await expect(runBackfill(database.client, endless, settings())).rejects.toMatchObject({
    code: 'PH5009',
    message: expect.stringContaining('100 rows'),
  });
});

test('every partition is walked', async () => {
  await database.sql(`CREATE TABLE t (id int, value text, copy text) PARTITION BY RANGE (id);
    CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (1000);
    INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 900) AS n`);
  expect(await runBackfill(database.client, REQUEST, settings())).toEqual({ rows: 900, remaining: 0 });
});

test('batches are steered towards their duration, by a factor of two at most, and never below a page', () => {
  const pace = new Pace(100, 16);
  pace.took(16, 10);
  expect(pace.pages).toBe(32);
  pace.took(32, 80);
  expect(pace.pages).toBe(40);
  pace.took(40, 1_000);
  expect(pace.pages).toBe(20);
  for (let times = 0; times < 10; times++) pace.split();
  expect(pace.pages).toBe(1);
});
