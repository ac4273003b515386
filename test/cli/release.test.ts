import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'phase.config.json': '{"release": "1.1.0"}' });
  await database.sql('CREATE TABLE users (id int PRIMARY KEY, a text, b text)');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const scaffold = (from: string, to: string, releases: string) =>
  project.json('new', 'rename-column', '--table', 'users', '--from', from, '--to', to, '--releases', releases, '--yes');
const retarget = (...flags: string[]) => project.phase('release', 'retarget', ...flags, '--json');
const manifest = (release: string) => parse(project.read(`db/releases/${release}.yml`));
const RENAME = 'users_a_to_x';

test('a phase moves with its migrations, its functions and its triggers, and what it breaks follows', async () => {
  await scaffold('a', 'x', '1.1.0,1.2.0,1.4.0');
  await scaffold('b', 'y', '1.1.0,1.2.0,1.4.0');
  const ran = await retarget(RENAME, '--phase', '2', '--release', '1.3.0');
  expect(ran.code).toBe(0);
  expect(ran.json.files).toEqual(['db/releases/1.2.0.yml', 'db/releases/1.3.0.yml', 'db/releases/1.4.0.yml']);
  expect(ran.json.releases.map(({ release }: { release: string }) => release)).toEqual([
    '1.1.0',
    '1.2.0',
    '1.3.0',
    '1.4.0',
  ]);
  expect(manifest('1.3.0').migrations.map(({ id }: { id: string }) => id.slice(15))).toEqual([
    `${RENAME}_phase_2_switch`,
  ]);
  expect(manifest('1.3.0').sources.map(({ file }: { file: string }) => file)).toEqual([
    'functions/sync_users_a_phase_2_v01.sql',
    'triggers/00_sync_users_a_phase_2_v01.sql',
    'triggers/000_sync_users_a_phase_2_v01.sql',
  ]);
  expect(manifest('1.2.0').sources.every(({ file }: { file: string }) => file.includes('users_b'))).toBe(true);
  expect(manifest('1.4.0').migrations.map(({ breaks }: { breaks: string }) => breaks)).toEqual(['<1.3.0', '<1.2.0']);
  for (const release of ['1.1.0', '1.2.0', '1.3.0', '1.4.0']) {
    await project.json('release', 'cut', release);
    await project.json('migrate', '--release', release, '--straggler-window', '0');
    await project.json('finish', '--straggler-window', '0');
  }
  expect((await project.json('status')).renames.map(({ phase }: { phase: number }) => phase)).toEqual([3, 3]);
});

test('the first phase takes the facts of the rename along', async () => {
  await scaffold('a', 'x', '1.2.0,1.3.0,1.4.0');
  expect((await retarget(RENAME, '--phase', '1', '--release', '1.1.5')).code).toBe(0);
  expect(manifest('1.1.5').sources).toHaveLength(4);
  expect(manifest('1.2.0')).toMatchObject({ migrations: [], sources: [] });
});

test.each([
  [['nothing', '--phase', '2', '--release', '1.3.0'], 'PH1026'],
  [[RENAME, '--release', '1.3.0'], 'PH1004'],
  [[RENAME, '--phase', '2'], 'PH1004'],
  [[RENAME, '--phase', '4', '--release', '1.3.0'], 'PH1015'],
  [[RENAME, '--phase', '2', '--release', '1.2.0'], 'PH1027'],
  [[RENAME, '--phase', '2', '--release', '1.4.0'], 'PH1027'],
  [[RENAME, '--phase', '2', '--release', '1.5.0'], 'PH1027'],
  [[RENAME, '--phase', '2', '--release', '1.0.0'], 'PH1027'],
  [[RENAME, '--phase', '1', '--release', '1.0.0'], 'PH1019'],
  [[RENAME, '--phase', '2', '--release', 'next'], 'PH1006'],
])('retarget %j is refused with %s and changes nothing', async (args, code) => {
  await scaffold('a', 'x', '1.1.0,1.2.0,1.4.0');
  await project.json('release', 'cut', '1.1.0');
  const before = project.files();
  const ran = await retarget(...args);
  expect([ran.code, ran.json.error.code]).toEqual([2, code]);
  expect(project.files()).toEqual(before);
});

test('a phase does not move into the span of a rename that shares its column', async () => {
  await scaffold('a', 'x', '1.1.0,1.2.0,1.3.0');
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) {
    await project.json('release', 'cut', release);
    await project.json('migrate', '--release', release, '--straggler-window', '0');
    await project.json('finish', '--straggler-window', '0');
  }
  await scaffold('x', 'z', '1.4.0,1.5.0,1.6.0');
  const ran = await retarget('users_x_to_z', '--phase', '1', '--release', '1.2.5');
  expect([ran.code, ran.json.error.code]).toEqual([5, 'PH3017']);
});

test('a hotfix after a later release is cut, and a backport stands in both', async () => {
  project.write('db/migrate/20260101000000_fix.sql', 'CREATE INDEX ON users (b)');
  await project.json('hash');
  await project.json('release', 'cut', '1.1.0');
  project.write('phase.config.json', '{"release": "1.2.0"}');
  project.write('db/migrate/20260101000001_more.sql', 'CREATE TABLE more (id int)');
  await project.json('hash');
  await project.json('release', 'cut', '1.2.0');
  // The fix of 1.2.0 is brought to those who stay on 1.1.
  project.write(
    'db/releases/1.1.5.yml',
    project
      .read('db/releases/1.2.0.yml')
      .replace('1.2.0', '1.1.5')
      .replace('released', 'open')
      .replace(/^sum:.*\n/m, ''),
  );
  await project.json('release', 'cut', '1.1.5');
  expect((await project.json('migrate', '--release', '1.1.5')).applied).toHaveLength(2);
  expect((await project.json('migrate', '--release', '1.2.0')).applied).toEqual([]);
});

test('a pre-release runs the manifest of the version that it leads to', async () => {
  project.write('db/migrate/20260101000000_fix.sql', 'CREATE INDEX ON users (b)');
  await project.json('hash');
  expect((await project.json('migrate', '--release', '1.1.0-rc.1')).applied).toHaveLength(1);
  expect(await project.json('wait', '--release', '1.1.0-rc.1', '--timeout', '0')).toMatchObject({ ready: true });
  expect((await project.json('finish')).applied).toEqual([]);
});

test('a pre-release enters what is new into the manifest of the version that it leads to', async () => {
  project.write('phase.config.json', '{"release": "1.1.0-rc.2"}');
  project.write('db/migrate/20260101000000_fix.sql', 'CREATE INDEX ON users (b)');
  expect((await project.json('hash')).files).toEqual(['db/releases/1.1.0.yml']);
  await project.json('new', 'schema', 'more');
  expect(manifest('1.1.0').migrations).toHaveLength(2);
});

test.each(['v1.1.yml', '1.1.0.yaml'])('a manifest in %s is changed where it is', async (name) => {
  project.write(`db/releases/${name}`, 'release: v1.1\nstate: open\n');
  project.write('db/migrate/20260101000000_fix.sql', 'CREATE INDEX ON users (b)');
  expect((await project.json('hash')).files).toEqual([`db/releases/${name}`]);
  expect((await project.json('release', 'cut', '1.1')).releases).toEqual([
    { release: '1.1.0', state: 'released', migrations: ['20260101000000_fix'] },
  ]);
});

test('what cannot be read as a file is refused, and no manifest is written', async () => {
  mkdirSync(`${project.root}/db/migrate/20260101000000_folder.sql`, { recursive: true });
  const ran = await project.phase('hash', '--json');
  expect([ran.code, ran.json.error.code]).toEqual([1, 'PH5011']);
  expect(Object.keys(project.files()).filter((file) => file.endsWith('.yml'))).toEqual([]);
  mkdirSync(`${project.root}/db/releases/1.1.0.yml`, { recursive: true });
  expect((await project.phase('status', '--json')).json.error.code).toBe('PH3005');
});
