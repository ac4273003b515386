import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { ShadowServer } from '../../src/replay/shadow.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { FAST_SETTINGS } from '../support/server.ts';

/** A server of its own: of those kept on one that others use, too, these might be the older ones. */
const options = {
  version: NEWEST_EMBEDDED,
  project: repository,
  name: `test-kept-${process.pid}`,
  settings: FAST_SETTINGS,
};
let server: string;
beforeAll(async () => {
  server = await startEmbedded(options);
});
afterAll(() => removeEmbedded(options));

let project: TestProject;
/** Roles are the server's, so that whoever makes one in a block, where no statement is left out, cannot run twice: of what is kept nothing runs again. */
let role: string;
beforeEach(() => {
  role = `role_${randomBytes(6).toString('hex')}`;
  project = new TestProject(undefined, { 'phase.config.json': '{"release": "1.0.0"}' });
  project.env = { PHASE_SHADOW_DATABASE_URL: server };
  project.write(
    'db/migrate/20260101000001_once.sql',
    `CREATE TABLE users (id int PRIMARY KEY); DO $$ BEGIN CREATE ROLE ${role}; END $$`,
  );
});
afterEach(async () => {
  project.remove();
  const database = await createDatabase(server);
  await database.sql(`DROP ROLE IF EXISTS ${role}`);
  await database.drop();
});

const findings = async (): Promise<string[]> => {
  const { json } = await project.phase('check', '--json');
  return json.findings.map(({ code }: { code: string }) => code);
};

test('one more migration is observed without those before it', async () => {
  expect(await project.json('hash')).toMatchObject({ unknown: [] });
  project.write('db/migrate/20260101000002_more.sql', 'ALTER TABLE users ADD COLUMN name text');
  expect(await project.json('hash')).toMatchObject({ observed: ['20260101000002_more'], unknown: [] });
  expect(await findings()).toEqual([]);
});

test('what is edited runs again, on what was before it, and is told for what it touches now', async () => {
  project.write('db/migrate/20260101000002_more.sql', 'CREATE TABLE a (id int PRIMARY KEY)');
  await project.json('hash');
  project.write('db/migrate/20260101000003_third.sql', 'CREATE TABLE b (id int PRIMARY KEY)');
  await project.json('hash');
  project.write('db/migrate/20260101000003_third.sql', 'CREATE TABLE c (id int PRIMARY KEY)');
  expect(await project.json('hash')).toMatchObject({ unknown: [] });
  expect(project.read('db/releases/1.0.0.yml')).toContain('public.c');
  expect(project.read('db/releases/1.0.0.yml')).not.toContain('public.b');
  expect(await findings()).toEqual([]);
});

test('a ledger that is to be in another schema is no part of what is kept', async () => {
  project.write('db/migrate/20260101000001_once.sql', 'CREATE TABLE users (id int PRIMARY KEY)');
  await project.json('hash');
  project.write('phase.config.json', '{"release": "1.0.0", "ledgerSchema": "ours"}');
  project.write('db/migrate/20260101000002_more.sql', 'ALTER TABLE users ADD COLUMN name text');
  expect(await project.json('hash')).toMatchObject({ observed: ['20260101000002_more'], unknown: [] });
});

test('of what is kept older ones go', async () => {
  for (let number = 2; number <= 8; number++) {
    project.write(`db/migrate/2026010100000${number}_more.sql`, `CREATE TABLE t${number} (id int PRIMARY KEY)`);
    await project.json('hash');
  }
  const database = await createDatabase(server);
  const kept = await database.sql(`SELECT FROM pg_database WHERE starts_with(datname, 'phase_grown_')`);
  await database.drop();
  expect(kept).toHaveLength(3);
});

test('one that fails leaves nothing of itself, and what was before it stays', async () => {
  await project.json('hash');
  project.write('db/migrate/20260101000002_more.sql', 'CREATE TABLE a (id int PRIMARY KEY); SELECT nothing');
  const unknown = { unknown: ['20260101000002_more'] };
  for (let time = 0; time < 2; time++) {
    expect(await project.json('hash')).toMatchObject(unknown);
    expect(await findings()).toContain('not_replayed');
  }
  project.write('db/migrate/20260101000002_more.sql', 'CREATE TABLE a (id int PRIMARY KEY)');
  expect(await project.json('hash')).toMatchObject({ observed: ['20260101000002_more'], unknown: [] });
});

test('what somebody has dropped meanwhile is made again from the beginning', async () => {
  project.write('db/migrate/20260101000001_once.sql', 'CREATE TABLE users (id int PRIMARY KEY)');
  await project.json('hash');
  const grow = ShadowServer.prototype.grow;
  const gone = jest.spyOn(ShadowServer.prototype, 'grow').mockImplementationOnce(async function (
    this: ShadowServer,
    from,
    body,
  ) {
    const database = await createDatabase(server);
    await database.sql(`DROP DATABASE phase_grown_${from}`);
    await database.drop();
    return grow.call(this, from, body);
  });
  project.write('db/migrate/20260101000002_more.sql', 'ALTER TABLE users ADD COLUMN name text');
  expect(await project.json('hash')).toMatchObject({ observed: ['20260101000002_more'], unknown: [] });
  expect(gone.mock.calls.map(([from]) => from === null)).toEqual([false, true, false]);
  gone.mockRestore();
});

test.each([
  [
    'a file that it reads',
    `import { readFileSync } from 'node:fs';\nconst name = readFileSync(new URL('../../name.txt', import.meta.url), 'utf8');`,
    'name.txt',
    (name: string) => name,
  ],
  [
    'a module in lib/',
    `import { name } from '../../lib/name.mjs';`,
    'lib/name.mjs',
    (name: string) => `export const name = '${name}';`,
  ],
  [
    'a module whose name is computed',
    `const { name } = await import(['../../src', 'name.mjs'].join('/'));`,
    'src/name.mjs',
    (name: string) => `export const name = '${name}';`,
  ],
  [
    'a module elsewhere',
    `import { name } from '../../src/name.mjs';`,
    'src/name.mjs',
    (name: string) => `export const name = '${name}';`,
  ],
])('what depends on %s is looked at again when that changes', async (_what, reads, path, text) => {
  project.write('db/migrate/20260101000001_once.sql', 'CREATE TABLE users (id int PRIMARY KEY)');
  project.write(path, text('first'));
  project.write(
    'db/migrate/20260101000002_more.mjs',
    `${reads}\nexport const up = (knex) => knex.raw(\`CREATE TABLE \${name} (id int PRIMARY KEY)\`);\nexport const down = () => undefined;\n`,
  );
  await project.json('hash');
  expect(project.read('db/releases/1.0.0.yml')).toContain('public.first');
  project.write(path, text('second'));
  // In a process of its own, which has loaded nothing yet.
  const { stdout } = spawnSync(process.execPath, [join(repository, 'dist/cli/main.js'), 'check', '--json'], {
    cwd: project.root,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, PHASE_SHADOW_DATABASE_URL: server },
  });
  const differs = JSON.parse(stdout).findings.filter(({ code }: { code: string }) => code === 'touches_differ');
  expect(differs).toMatchObject([{ message: expect.stringContaining('second') }]);
});

test('what knex has, with files beside it and modules elsewhere, is kept until one of these changes', async () => {
  project.write('db/migrate/20260101000001_once.sql', '');
  project.delete('db/migrate/20260101000001_once.sql');
  project.write('package-lock.json', '{}');
  project.write('src/names.cjs', `module.exports = { ...require('./more.cjs') };`);
  project.write('src/more.cjs', `module.exports = { table: 'users' };`);
  project.write('src/migrations/sql/role.sql', `DO $$ BEGIN CREATE ROLE ${role}; END $$`);
  project.write(
    'src/migrations/20200101000000_first.cjs',
    `const { readFileSync } = require('node:fs');
const { join } = require('path');
const { table } = require('../names.cjs');
exports.up = async (knex) => {
  await knex.raw(readFileSync(join(__dirname, 'sql', 'role.sql'), 'utf8'));
  await knex.schema.createTable(table, (t) => t.increments('id'));
};
exports.down = () => undefined;`,
  );
  await project.json('init', '--from-knex', '--directory', 'src/migrations', '--no-replay');
  project.write('db/migrate/20260101000002_more.sql', 'ALTER TABLE users ADD COLUMN name text');
  expect(await project.json('hash')).toMatchObject({ observed: ['20260101000002_more'], unknown: [] });
  project.write('db/migrate/20260101000003_more.sql', 'ALTER TABLE users ADD COLUMN other text');
  // The role is there: the first one has not run again.
  expect(await project.json('hash')).toMatchObject({ observed: ['20260101000003_more'], unknown: [] });
  project.write('src/more.cjs', `module.exports = { table: 'users', other: 1 };`);
  project.write('db/migrate/20260101000004_more.sql', 'ALTER TABLE users ADD COLUMN third text');
  expect(await project.json('hash')).toMatchObject({ unknown: ['20260101000004_more'] });
});
