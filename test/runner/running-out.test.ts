import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await project.json('init');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

test('keys whose numbers end with their type are named, with the command that gives them another one', async () => {
  await database.sql(`CREATE TABLE users (id serial PRIMARY KEY); SELECT setval('users_id_seq', 2000000000);
    CREATE TABLE days (no smallint PRIMARY KEY); INSERT INTO days VALUES (30000);
    CREATE TABLE fine (id serial PRIMARY KEY, n integer); CREATE TABLE wide (id bigserial PRIMARY KEY); SELECT setval('wide_id_seq', 4000000000);
    CREATE TABLE "Odd ""one""" (id integer GENERATED ALWAYS AS IDENTITY (RESTART 1900000000) UNIQUE); INSERT INTO "Odd ""one""" DEFAULT VALUES`);
  const { runningOut } = await project.json('status');
  expect(runningOut).toEqual([
    {
      table: 'public.users',
      column: 'id',
      type: 'integer',
      used: 0.931,
      daysLeft: null,
      command: 'phase new retype-column --table public.users --column id --to-type bigint --with-references',
    },
    expect.objectContaining({ table: 'public.days', column: 'no', type: 'smallint', used: 0.916 }),
    expect.objectContaining({
      table: 'public.Odd "one"',
      used: 0.885,
      command: expect.stringContaining(`--table '"public"."Odd ""one"""'`),
    }),
  ]);
  expect((await project.phase('status')).stdout).toMatch(/keys that run out\s+public\.users\.id +integer: 93 % used/);
  const flags = ['--table', 'public.users', '--column', 'id', '--to-type', 'bigint', '--with-references'];
  await project.json('new', 'retype-column', ...flags, '--releases', '1.1.0,1.2.0,1.3.0', '--yes');
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) await project.json('release', 'cut', release);
  await project.json('migrate', '--release', '1.3.0', '--maintenance');
  const after = await project.json('status');
  expect(after.runningOut.map(({ table }: { table: string }) => table)).not.toContain('public.users');
  await database.sql("SELECT setval('users_id_seq', 5000000000); INSERT INTO users DEFAULT VALUES");
});

test('a role that may not look at a table is told of the others', async () => {
  await database.sql(
    "CREATE TABLE days (no smallint PRIMARY KEY); INSERT INTO days VALUES (30000); CREATE TABLE users (id serial PRIMARY KEY); SELECT setval('users_id_seq', 2000000000)",
  );
  const { name, url } = await database.role();
  await database.sql(`GRANT SELECT ON SEQUENCE users_id_seq TO ${name}`);
  project.url = url;
  const { runningOut } = await project.json('status');
  expect(runningOut).toMatchObject([{ table: 'public.users' }]);
});
