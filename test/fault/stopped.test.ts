import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { repository } from '../support/bookshop.ts';
import { Network } from '../support/network.ts';
import { R1, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, old text NOT NULL);
  INSERT INTO users SELECT n, 'v' || n FROM generate_series(1, 100) AS n`;

let fixture: RenameFixture;
let runner: ChildProcess | undefined;

beforeEach(async () => {
  fixture = await renameFixture({ schema: SCHEMA });
});

afterEach(async () => {
  runner?.kill('SIGKILL');
  await fixture.remove();
});

function start(): ChildProcess {
  return spawn(process.execPath, [join(repository, 'dist', 'cli', 'main.js'), 'migrate', '--release', R1], {
    cwd: fixture.project.root,
    env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: fixture.database.url },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Stops the process as soon as its transaction holds a lock that keeps others from reading, and says whether it did. */
async function stopWithLock(child: ChildProcess): Promise<boolean> {
  for (const until = Date.now() + 20_000; Date.now() < until && child.exitCode === null; ) {
    const held = await fixture.database.sql(
      `SELECT FROM pg_locks WHERE relation = 'users'::regclass AND mode = 'AccessExclusiveLock' AND granted`,
    );
    if (held.length === 0) continue;
    child.kill('SIGSTOP');
    await sleep(50);
    const still = await fixture.database.sql(
      `SELECT FROM pg_locks WHERE relation = 'users'::regclass AND mode = 'AccessExclusiveLock' AND granted`,
    );
    if (still.length > 0) return true;
    child.kill('SIGCONT');
  }
  return false;
}

/** Ten times the lock time-out of 500 ms, for a slow machine; without a bound it would be five minutes. */
const LONGEST_MS = 5_000;

async function waitOfClient(): Promise<number> {
  const client = new pg.Client({ connectionString: fixture.database.url });
  await client.connect();
  const began = performance.now();
  await client.query('SELECT count(*) FROM users');
  await client.end();
  return performance.now() - began;
}

test('a runner that is stopped while it holds the lock of a table: clients wait no longer than for a lock, and the run goes on', async () => {
  runner = start();
  let said = '';
  runner.stderr?.on('data', (text) => {
    said += text;
  });
  expect(await stopWithLock(runner)).toBe(true);
  expect(await waitOfClient()).toBeLessThan(LONGEST_MS);
  runner.kill('SIGCONT');
  const [code] = await once(runner, 'exit');
  expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' });
  expect(await fixture.database.sql('SELECT count(*)::int AS rows FROM users WHERE new = old')).toEqual([
    { rows: 100 },
  ]);
});

test('the network is gone at the COMMIT of phase 1: clients wait no longer than for a lock, and the same command goes on', async () => {
  const network = await Network.open(fixture.database.url);
  let hasLocked = false;
  const gone = new Promise<void>((done) => {
    network.decide = ({ from, text }) => {
      if (/ALTER TABLE .*users.* ADD COLUMN/s.test(text)) hasLocked = true;
      if (!hasLocked || from !== 'client' || !/^COMMIT\b/i.test(text)) return 'on';
      done();
      return 'gone';
    };
  });
  fixture.project.url = network.url;
  const command = ['migrate', '--release', R1];
  const ran = fixture.project.phase(...command);
  await gone;
  expect(await waitOfClient()).toBeLessThan(LONGEST_MS);
  // What keep-alives find after half a minute.
  network.cutAll();
  expect(await ran).toMatchObject({ code: 1, stderr: expect.stringContaining('PH5004') });
  network.decide = () => 'on';
  await fixture.project.json(...command);
  await network.close();
  expect(await fixture.database.sql('SELECT count(*)::int AS rows FROM users WHERE new = old')).toEqual([
    { rows: 100 },
  ]);
});
