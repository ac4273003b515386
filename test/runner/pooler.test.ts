import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import pg from 'pg';
import { serverAccount } from '../../src/postgres/embedded/account.ts';
import { createDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

const isInstalled = spawnSync('pgbouncer', ['--version']).status === 0;
const when = isInstalled ? test : test.skip;

/** Starts a pooler before the run's server, and gives its URL of the same database. */
async function startPooler(url: string, mode: string): Promise<{ url: string; stop(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'triphase-pooler-'));
  const target = new URL(url);
  const port = await freePort();
  const config = join(folder, 'pgbouncer.ini');
  writeFileSync(
    config,
    `[databases]\n* = host=${target.hostname} port=${target.port} user=${target.username}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nauth_type = any\npool_mode = ${mode}\nunix_socket_dir =\n`,
  );
  chmodSync(folder, 0o755);
  const child = spawn('pgbouncer', ['-q', config], { stdio: 'ignore', ...(serverAccount() ?? {}) });
  target.port = String(port);
  for (let tries = 0; tries < 100; tries++) {
    const client = new pg.Client({ connectionString: target.href });
    const isUp = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (isUp) break;
    await sleep(50);
  }
  return {
    url: target.href,
    stop: () => {
      child.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

when.each([
  ['transaction', 4],
  ['session', 0],
])(
  `a pooler that shares connections by %s is told apart (${isInstalled ? 'with' : 'skipped: there is no'} pgbouncer)`,
  async (mode, exit) => {
    const database = await createDatabase();
    const pooler = await startPooler(database.url, mode);
    const project = new TestProject(pooler.url, {
      'phase.config.json': '{ "release": "1.0.0" }',
      'db/migrate/20260101000000_a.sql': 'SELECT 1',
    });
    try {
      await project.json('hash');
      const { code, json } = await project.phase('migrate', '--json');
      expect({ code, error: json.error?.code }).toEqual({ code: exit, error: exit === 0 ? undefined : 'PH2010' });
    } finally {
      pooler.stop();
      project.remove();
      await database.drop();
    }
  },
);
