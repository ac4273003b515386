import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { segmentOf } from '../../src/data/throttle/archive.ts';
import { LagMeter } from '../../src/data/throttle/lag.ts';
import type { RunProgress } from '../../src/domain/run-progress.ts';
import type { RunSettings } from '../../src/domain/run-settings.ts';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import {
  type EmbeddedOptions,
  removeEmbedded,
  startEmbedded,
  stopEmbedded,
} from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, newConnection, type TestDatabase } from '../support/database.ts';
import { openWork } from '../support/work.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const REQUEST = { table: 't', set: { copy: 'value' }, where: 'value IS DISTINCT FROM copy' };
const fill = (rows: number) =>
  database.sql(
    `CREATE TABLE t (id int PRIMARY KEY, value text, copy text); INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, ${rows}) AS n`,
  );

/** A backfill that goes on while the test does something, and everything that it said. */
async function start(settingsOf: Partial<RunSettings> = {}, on: Pick<TestDatabase, 'url' | 'client'> = database) {
  const said: RunProgress[] = [];
  const { context, work, close } = await openWork(on, {
    settingsOf,
    onProgress: (progress) => void said.push(progress),
  });
  const ended = context
    .backfill(REQUEST)
    .then(async (result) => {
      await work.succeeded();
      return result;
    })
    .catch(async (error) => {
      await work.failed({ code: error.code, message: error.message });
      throw error;
    })
    .finally(close);
  ended.catch(() => undefined);
  return { said, ended };
}

const until = async (condition: () => boolean, what: string, ms = 20_000): Promise<void> => {
  for (const began = Date.now(); !condition(); await sleep(5)) {
    if (Date.now() - began > ms) throw new Error(`It took too long until ${what}.`);
  }
};
const reasons = (said: readonly RunProgress[]) =>
  [...new Set(said.map(({ waitingFor }) => waitingFor?.replace(/[\d.]+/g, '#')))].filter(Boolean);
const request = (what: string) => database.sql(`UPDATE phase.runs SET ${what}`);
/** Batches that were done: progress that says nothing of waiting. */
const batches = (said: readonly RunProgress[]) => said.filter(({ waitingFor }) => waitingFor === null).length;

test('paused, resumed and cancelled within one batch each', async () => {
  await fill(30_000);
  const { said, ended } = await start({ batchDuration: 1, niceRatio: 3 });
  await until(() => batches(said) > 2, 'it works');
  await request(`request = 'pause'`);
  const before = batches(said);
  await until(() => said.at(-1)?.waitingFor === 'paused', 'it is paused');
  expect(batches(said)).toBeLessThanOrEqual(before + 1);
  await sleep(400);
  const paused = batches(said);
  const [{ state }] = await database.sql('SELECT state FROM phase.runs');
  expect({ state, more: batches(said) - paused }).toEqual({ state: 'paused', more: 0 });
  await request('request = NULL');
  await until(() => batches(said) > paused + 1, 'it goes on');
  await request(`request = 'cancel'`);
  const last = batches(said);
  await expect(ended).rejects.toMatchObject({ code: 'PH5014' });
  expect(batches(said)).toBeLessThanOrEqual(last + 1);
  const [run] = await database.sql('SELECT state, error_code, finished_at IS NOT NULL AS finished FROM phase.runs');
  expect(run).toEqual({ state: 'cancelled', error_code: 'PH5014', finished: true });
});

test('changed settings hold from the next batch: more workers, then one', async () => {
  await fill(60_000);
  const { said, ended } = await start({ batchDuration: 1, niceRatio: 5 });
  const workers = async () =>
    (
      await database.sql(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND (query LIKE '%UPDATE ONLY%' OR query LIKE '%.backfills SET rows%')`,
      )
    )[0].n;
  await until(() => batches(said) > 2, 'it works');
  expect(await workers()).toBe(2);
  await request(`settings = '{"workers": 3}'`);
  const before = batches(said);
  await until(() => batches(said) > before + 12, 'more work');
  expect(await workers()).toBe(4);
  await request(`settings = '{"workers": 1, "niceRatio": 0, "batchDuration": 50}'`);
  await ended;
  const [{ in_force: inForce }] = await database.sql('SELECT in_force FROM phase.runs');
  expect(inForce).toMatchObject({ workers: 1, niceRatio: 0, batchDuration: 50 });
  const [{ wrong }] = await database.sql('SELECT count(*)::int AS wrong FROM t WHERE value IS DISTINCT FROM copy');
  expect(wrong).toBe(0);
});

test('a query of the user holds it back, by its reason; one that fails is said', async () => {
  await fill(1_000);
  await database.sql(`CREATE TABLE busy (reason text); INSERT INTO busy VALUES ('the shop is open')`);
  const { said, ended } = await start({ throttleQuery: 'SELECT reason FROM busy' });
  await until(() => said.length > 0, 'it waits');
  expect({ reasons: reasons(said), done: batches(said) }).toEqual({ reasons: ['the shop is open'], done: 0 });
  await database.sql('DELETE FROM busy');
  await ended;
  await database.sql('UPDATE t SET copy = NULL; DELETE FROM phase.backfills');
  const other = await start({ throttleQuery: 'SELECT nothing' });
  await expect(other.ended).rejects.toMatchObject({ code: 'PH5015' });
});

test('a writer that waits for a batch gets in: the batch is given up and made smaller', async () => {
  await database.sql(`CREATE TABLE t (id int PRIMARY KEY, value text, copy text);
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END';
    INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 2000) AS n;
    CREATE TRIGGER slow BEFORE UPDATE OF copy ON t FOR EACH ROW EXECUTE FUNCTION slow()`);
  const writer = new pg.Client({ connectionString: database.url });
  await writer.connect();
  const { ended } = await start({ batchDuration: 200 });
  await sleep(250);
  const waits: number[] = [];
  for (let id = 1; id <= 2_000; id += 100) {
    const began = performance.now();
    await writer.query(`UPDATE t SET value = 'w' || id, copy = 'w' || id WHERE id = $1`, [id]);
    waits.push(performance.now() - began);
  }
  await writer.end();
  await ended;
  // Left alone its first batch would have lasted until its statement time-out, 5 seconds.
  expect(Math.max(...waits)).toBeLessThan(2_000);
  const [{ wrong }] = await database.sql('SELECT count(*)::int AS wrong FROM t WHERE value IS DISTINCT FROM copy');
  expect(wrong).toBe(0);
});

test('when a transaction keeps dead rows and the file has grown by its budget, it waits for that transaction', async () => {
  await fill(60_000);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM t LIMIT 1');
  await sleep(2_100);
  const { said, ended } = await start({ batchDuration: 10, maxGrowth: 0.1 });
  await until(() => said.some(({ waitingFor }) => waitingFor?.includes('keeps its dead rows')), 'it waits');
  await sleep(300);
  const before = batches(said);
  await sleep(300);
  expect(batches(said)).toBe(before);
  await other.query('COMMIT');
  await ended;
  await other.end();
});

test('a replica that is held back holds it back, and lets it go on once it has caught up', async () => {
  const primary: EmbeddedOptions = { version: NEWEST_EMBEDDED, project: repository, name: `primary-${process.pid}` };
  const replica: EmbeddedOptions = { ...primary, name: `replica-${process.pid}` };
  try {
    const url = await startEmbedded(primary);
    const { port } = new URL(url);
    const made = await createDatabase(url);
    await made.sql(
      `CREATE TABLE t (id int PRIMARY KEY, value text, copy text); INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 20000) AS n`,
    );
    const [{ folder }] = await made.sql(`SELECT current_setting('data_directory') AS folder`);
    await made.client.end();
    await stopEmbedded(primary);
    // A cold copy is a replica once it is told so.
    const copy = folder.replace(`primary-${process.pid}`, `replica-${process.pid}`);
    for (const [program, ...args] of [
      ['mkdir', '-p', join(copy, '..')],
      ['chown', '--reference', folder, join(copy, '..')],
      ['cp', '-a', folder, copy],
      ['cp', '-a', join(folder, 'PG_VERSION'), join(copy, 'standby.signal')],
    ]) {
      expect(spawnSync(program ?? '', args).status).toBe(0);
    }
    expect(new URL(await startEmbedded(primary)).port).toBe(port);
    const standby = new pg.Client({
      connectionString: await startEmbedded({
        ...replica,
        settings: { primary_conninfo: `host=127.0.0.1 port=${port} user=postgres` },
      }),
    });
    await standby.connect();
    const client = newConnection({ connectionString: made.url });
    await client.connect();
    await untilStreaming(client);
    await standby.query('SELECT pg_wal_replay_pause()');
    const { said, ended } = await start({ batchDuration: 2, maxLag: 300, niceRatio: 30 }, { url: made.url, client });
    await until(() => said.some(({ waitingFor }) => waitingFor !== null), 'it waits');
    expect(reasons(said)).toEqual(['a replica is # s behind (maxLag # s)']);
    const before = batches(said);
    await sleep(500);
    expect(batches(said)).toBe(before);
    expect(said.at(-1)?.lag).toBeGreaterThan(0.3);
    await standby.query('SELECT pg_wal_replay_resume()');
    await client.query(`UPDATE phase.runs SET settings = '{"niceRatio": 0}'`);
    await ended;
    await standby.end();
    await client.end();
  } finally {
    await removeEmbedded(replica).catch(() => undefined);
    await removeEmbedded(primary);
  }
}, 120_000);

async function untilStreaming(client: pg.Client): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { rows } = await client.query(
      `SELECT state FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL`,
    );
    if (rows.length > 0) return;
    await sleep(50);
  }
  throw new Error('The replica does not stream.');
}

test('the lag is the time since the primary was where the replica is', () => {
  const meter = new LagMeter();
  expect(meter.behind(100n, 100n, 0)).toBe(0);
  expect(meter.behind(200n, 100n, 1_000)).toBe(0);
  expect(meter.behind(300n, 100n, 2_000)).toBe(1_000);
  expect(meter.behind(400n, 250n, 3_000)).toBe(1_000);
  expect(meter.behind(400n, 400n, 4_000)).toBe(0);
  // Behind since before it was looked at: at least as long as it was looked at.
  const late = new LagMeter();
  late.behind(500n, 10n, 0);
  expect(late.behind(600n, 10n, 700)).toBe(700);
});

test('segments of the write-ahead log are numbered over the halves of their names', () => {
  const size = 16 * 1_024 * 1_024;
  expect(segmentOf('000000010000000000000003', size)).toBe(3);
  expect(segmentOf('0000000100000002000000FF', size)).toBe(2 * 256 + 255);
  expect(segmentOf('00000001.history', size)).toBeNull();
});
