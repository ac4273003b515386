import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

/** A schema migration of release 1.0.0, and what the configuration says. */
async function projectWith(config: object, sql: string, url = database.url): Promise<void> {
  project = new TestProject(url, {
    'package.json': '{"version": "1.0.0"}',
    'phase.config.json': JSON.stringify(config),
    'db/migrate/20260101000000_first.sql': sql,
  });
}

/** One that stays: what is kept of replays belongs to it. */
async function ownerRole(): Promise<{ name: string }> {
  const name = `owner_${randomBytes(6).toString('hex')}`;
  await database.sql(`CREATE ROLE ${name}`);
  return { name };
}

test('what migrations make belongs to the role of the configuration, whoever connects, and a replay knows that role', async () => {
  const owner = await ownerRole();
  const deployer = await database.role();
  const [{ own }] = await database.sql('SELECT current_database() AS own');
  await database.sql(`GRANT ${owner.name} TO ${deployer.name}; GRANT CREATE ON DATABASE ${own} TO ${owner.name}`);
  await database.sql(`CREATE SCHEMA app AUTHORIZATION ${owner.name}`);
  await projectWith({ role: owner.name, searchPath: ['app'] }, 'CREATE TABLE made (id int)', deployer.url);
  project.write('db/shadow/app.sql', `CREATE SCHEMA app; GRANT ALL ON SCHEMA app TO PUBLIC`);
  const hashed = await project.json('hash');
  expect(hashed.files).toContain('db/releases/1.0.0.yml');
  expect(project.read('db/releases/1.0.0.yml')).toContain('app.made');
  await project.json('migrate');
  const owners = await database.sql(
    `SELECT DISTINCT tableowner, schemaname FROM pg_tables WHERE schemaname IN ('app', 'phase') ORDER BY 2`,
  );
  expect(owners).toEqual([
    { tableowner: owner.name, schemaname: 'app' },
    { tableowner: owner.name, schemaname: 'phase' },
  ]);
  expect((await project.json('status')).pending).toEqual([]);
});

test('a role that the deployer is no member of is refused before anything runs', async () => {
  const owner = await ownerRole();
  const deployer = await database.role();
  await projectWith({ role: owner.name }, 'SELECT 1', deployer.url);
  await project.json('hash');
  const ran = await project.phase('migrate', '--json');
  expect([ran.code, ran.json.error.code]).toEqual([1, 'PH5028']);
  expect(ran.json.error.remedy).toContain('GRANT');
});

test('a search path goes before that of the role, also where the wizard looks for a table', async () => {
  await database.sql('CREATE SCHEMA app; CREATE TABLE app.users (id int PRIMARY KEY, email text)');
  await database.sql('CREATE TABLE public.users (id int PRIMARY KEY, other text)');
  await projectWith({ searchPath: 'app, public' }, 'SELECT 1');
  const flags = ['--table', 'users', '--from', 'email', '--to', 'address', '--releases', '1.0.0,1.1.0,1.2.0', '--yes'];
  const { rename } = await project.json('new', 'rename-column', ...flags);
  expect(project.read(`db/renames/${rename}.yml`)).toContain('schema: app');
});

test('a script of db/shadow that fails is named', async () => {
  await projectWith({}, 'SELECT 1');
  project.write('db/shadow/10-first.sql', 'CREATE EXTENSION there_is_none');
  const ran = await project.phase('hash', '--json');
  expect(ran.stdout + ran.stderr).toContain('db/shadow/10-first.sql');
});

test('a replay that goes on from a kept one has the role as its owner, too', async () => {
  const owner = await ownerRole();
  await projectWith({ role: owner.name }, 'CREATE TABLE first (id int)');
  expect(await project.json('hash')).toMatchObject({ unknown: [] });
  project.write('db/migrate/20260101000001_second.sql', 'CREATE SCHEMA more; CREATE TABLE more.second (id int)');
  expect(await project.json('hash')).toMatchObject({ observed: ['20260101000001_second'], unknown: [] });
});
