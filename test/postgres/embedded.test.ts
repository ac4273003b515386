import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { EMBEDDED_VERSIONS, packageSpec } from '../../src/postgres/embedded/binaries.ts';
import {
  type EmbeddedOptions,
  embeddedUrl,
  removeEmbedded,
  startEmbedded,
  stopEmbedded,
} from '../../src/postgres/embedded/server.ts';
import { installCommand, runInstall } from '../../src/project/install.ts';
import { repository } from '../support/bookshop.ts';

const started: EmbeddedOptions[] = [];
afterEach(async () => {
  for (const options of started.splice(0)) await removeEmbedded(options);
});

function options(version: 17 | 18, project = repository): EmbeddedOptions {
  const made = { version, project, name: `embedded-test-${process.pid}-${version}`, settings: { fsync: 'off' } };
  if (project === repository) started.push(made);
  return made;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('starting it twice, also at once, gives the same server; its data survive a stop', async () => {
  const server = options(18);
  const [first, second] = await Promise.all([startEmbedded(server), startEmbedded(server)]);
  expect(second).toBe(first);
  expect(await startEmbedded(server)).toBe(first);
  await query(first, 'CREATE TABLE kept (n int)');
  expect(await stopEmbedded(server)).toBe(true);
  expect(await embeddedUrl(server)).toBeNull();
  expect(await stopEmbedded(server)).toBe(false);
  expect(
    await query(
      await startEmbedded(server),
      'SELECT count(*)::int AS tables FROM pg_tables WHERE tablename = $$kept$$',
    ),
  ).toEqual([{ tables: 1 }]);
});

test('two versions run at the same time, each of its own version', async () => {
  const urls = await Promise.all([startEmbedded(options(17)), startEmbedded(options(18))]);
  expect(new Set(urls).size).toBe(2);
  const versions = await Promise.all(
    urls.map((url) => query(url, `SELECT current_setting('server_version_num')::int / 10000 AS version`)),
  );
  expect(versions).toEqual([[{ version: 17 }], [{ version: 18 }]]);
});

test('it runs in a project that only its owner can enter, also for root', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'triphase-private-'));
  const project = join(folder, 'project');
  mkdirSync(project);
  chmodSync(folder, 0o700);
  const server = options(18, project);
  try {
    expect(await query(await startEmbedded(server), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  } finally {
    await removeEmbedded(server);
    rmSync(folder, { recursive: true });
  }
});

test('a version that is not installed says how to install it', async () => {
  const failing = startEmbedded({ version: 13 as never, project: tmpdir() });
  await expect(failing).rejects.toMatchObject({
    code: 'PH1018',
    exitCode: 2,
    remedy: expect.stringContaining('npm install'),
  });
});

test('what is offered to be installed are the releases that the suite runs on', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  for (const version of EMBEDDED_VERSIONS) {
    const [, name = '', release = ''] = /^([^@]+)@(.+)$/.exec(packageSpec(version)) ?? [];
    expect({ version, release }).toEqual({ version, release: devDependencies[name] });
  }
});

test('a project adds it by the package manager that it uses', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'triphase-managers-'));
  try {
    expect(await installCommand(folder, 'a@1')).toEqual({ command: 'npm', args: ['i', '-D', 'a@1'] });
    writeFileSync(join(folder, 'pnpm-lock.yaml'), '');
    expect(await installCommand(folder, 'a@1')).toEqual({ command: 'pnpm', args: ['add', '-D', 'a@1'] });
    await expect(
      runInstall(folder, { command: process.execPath, args: ['-e', 'process.exit(3)'] }),
    ).rejects.toMatchObject({
      code: 'PH5027',
      details: { reason: 'It ended with 3.' },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
