import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import pg from 'pg';
import { repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

/** `KILLS=50 ROWS=1000000 npm test -- test/fault/backfill` is the long run. */
const KILLS = Number(process.env.KILLS ?? 6);
const ROWS = Number(process.env.ROWS ?? 60_000);
const WORKERS = 2;

const TASK = `
export async function run(_knex, { backfill }) {
  await backfill({ table: 't', set: { copy: 'value' }, where: 'value IS DISTINCT FROM copy', workers: ${WORKERS} });
}`;

/** Writes as an application does: the trigger keeps the copy right on every write. */
async function write(url: string, stop: { now: boolean }, seed: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let writes = 0;
  for (; !stop.now; writes++) {
    const id = Math.floor(Math.random() * ROWS);
    const value = `w${seed}-${writes}`;
    if (writes % 5 === 0)
      await client.query('INSERT INTO t (id, value) VALUES ($1, $2)', [ROWS * (seed + 2) + writes, value]);
    else if (writes % 7 === 0) await client.query('UPDATE t SET other = other + 1 WHERE id = $1', [id]);
    else await client.query('UPDATE t SET value = $2 WHERE id = $1', [id, value]);
    await sleep(2);
  }
  await client.end();
  return writes;
}

/** Starts the task in a process of its own and kills it after some time of work; true when it had ended before. */
function runAndKill(project: TestProject, first: boolean, afterMs: number): Promise<boolean> {
  return new Promise((done) => {
    const args = ['task', first ? 'run' : 'resume', 'fill', '--batch-ms', '20', '--nice', '3'];
    const child = spawn(process.execPath, [join(repository, 'dist', 'cli', 'main.js'), ...args], {
      cwd: project.root,
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: project.url },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
    child.on('exit', (code) => done(code === 0));
  });
}

test('killed at random moments with two workers and writers: every row is right, and none is written in vain', async () => {
  const database = await createDatabase();
  await database.sql(`CREATE TABLE t (id bigint PRIMARY KEY, value text, copy text, other int NOT NULL DEFAULT 0);
    INSERT INTO t SELECT n, 'v' || n FROM generate_series(0, ${ROWS - 1}) AS n;
    CREATE FUNCTION sync() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.copy := NEW.value; RETURN NEW; END';
    CREATE TRIGGER sync BEFORE INSERT OR UPDATE ON t FOR EACH ROW WHEN (NEW.value IS DISTINCT FROM NEW.copy) EXECUTE FUNCTION sync()`);
  const project = new TestProject(database.url, { 'lib/tasks/tmp/fill.mjs': TASK });
  mkdirSync(join(project.root, 'db'), { recursive: true });
  const stop = { now: false };
  const writers = [write(database.url, stop, 1), write(database.url, stop, 2)];
  try {
    let kills = 0;
    let largest = 0;
    for (let ended = false, attempts = 0; !ended && kills < KILLS; attempts++) {
      // The first line of progress comes with the first batch.
      ended = await runAndKill(project, attempts === 0, Math.random() * (ROWS / KILLS / 150));
      if (!ended) kills++;
      await sleep(100);
      largest = Math.max(largest, await largestBatch(database.sql));
    }
    if (kills === KILLS) await project.json('task', 'resume', 'fill');
    stop.now = true;
    const writes = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
    const [{ wrong }] = await database.sql('SELECT count(*)::int AS wrong FROM t WHERE copy IS DISTINCT FROM value');
    const updates = await settledUpdates(database.sql);
    process.stderr.write(`${JSON.stringify({ kills, writes, updates, largest, rows: ROWS })}\n`);
    expect({ wrong, killed: kills > 0 }).toEqual({ wrong: 0, killed: true });
    expect(updates).toBeLessThanOrEqual(ROWS + writes + kills * WORKERS * largest);
  } finally {
    stop.now = true;
    await Promise.allSettled(writers);
    project.remove();
    await database.drop();
  }
}, 600_000);

type Sql = Awaited<ReturnType<typeof createDatabase>>['sql'];

/** Rows that a batch can have at most: its pages, of which a sweep changes a part. */
async function largestBatch(sql: Sql): Promise<number> {
  const [row] = await sql(
    `SELECT max(batch_size)::float8 AS pages, (SELECT max(n) FROM (SELECT count(*) AS n FROM t GROUP BY (ctid::text::point)[0] LIMIT 50) AS p)::float8 AS rows
     FROM phase.backfills`,
  );
  return (row?.pages ?? 0) * (row?.rows ?? 0);
}

/** A backend says what it has done when it ends. */
async function settledUpdates(sql: Sql): Promise<number> {
  let last = -1;
  for (let tries = 0; tries < 30; tries++) {
    await sleep(300);
    const [{ updates }] = await sql(`SELECT pg_stat_get_tuples_updated('t'::regclass)::float8 AS updates`);
    if (updates === last) return updates;
    last = updates;
  }
  return last;
}
