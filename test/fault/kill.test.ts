import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { expectPlainRename, plainRename } from '../e2e/oracle.ts';
import { repository } from '../support/bookshop.ts';
import { serverUrl } from '../support/database.ts';
import { R1, R2, R3, renameFixture } from '../support/rename-fixture.ts';

/** How often; `KILLS=50 npm test -- test/fault` goes on for longer. */
const KILLS = Number(process.env.KILLS ?? 8);
const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, old text NOT NULL UNIQUE CHECK (old <> ''), other int);
  CREATE INDEX users_other ON users (other, old); INSERT INTO users SELECT n, 'v' || n, n FROM generate_series(1, 40000) AS n`;

/** Runs phase in a process of its own and kills it some time after its first step began; true when it had ended before. */
function runAndKill(root: string, url: string, args: readonly string[], afterMs: number): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(repository, 'dist', 'cli', 'main.js'), ...args], {
      cwd: root,
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: url },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
    child.on('exit', (code) => done(code === 0));
  });
}

test('killed at any moment, and run again, every release ends as if nothing had happened', async () => {
  const fixture = await renameFixture({ schema: SCHEMA });
  const plain = await plainRename(serverUrl(), SCHEMA, 'users', 'old', 'new');
  try {
    let kills = 0;
    for (const release of [R1, R2, R3]) {
      const command = ['migrate', '--release', release, '--straggler-window', '0'];
      for (let round = 0; round < KILLS; round++) {
        const ended = await runAndKill(
          fixture.project.root,
          fixture.database.url,
          command,
          round === 0 ? 0 : Math.random() * 700,
        );
        if (ended) break;
        kills++;
        await sleep(50);
      }
      await fixture.deploy(release);
      await fixture.database.sql(
        `INSERT INTO users (id, ${release === R3 ? 'new' : 'old'}) VALUES (${-kills - 1}, '${release}') ON CONFLICT DO NOTHING`,
      );
    }
    await expectPlainRename(fixture.database, plain);
    const [{ rows }] = await fixture.database.sql(
      `SELECT count(*)::int AS rows FROM users WHERE id > 0 AND new = 'v' || id`,
    );
    expect({ rows, killed: kills > 0 }).toEqual({ rows: 40_000, killed: true });
    const [{ invalid }] = await fixture.database.sql(
      'SELECT count(*)::int AS invalid FROM pg_index WHERE NOT indisvalid',
    );
    expect(invalid).toBe(0);
  } finally {
    await plain.drop();
    await fixture.remove();
  }
}, 300_000);
