import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(() => {
  project = new TestProject(undefined, { 'phase.config.json': '{"release": "1.0.0"}' });
  project.write(
    'db/migrate/20260101000000_create.sql',
    `CREATE TABLE users (id int PRIMARY KEY, email text);
     CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users, text text);
     CREATE VIEW authors AS SELECT author FROM posts;
     CREATE SEQUENCE tickets;
     CREATE TABLE old (a int, b serial)`,
  );
});
afterEach(() => project.remove());

const touches = (name: string): string[] | undefined =>
  (parse(project.read('db/releases/1.0.0.yml')).migrations as { id: string; touches?: string[] }[]).find(({ id }) =>
    id.endsWith(name),
  )?.touches;
const script = (body: string, config = 'transaction: false') =>
  `export const config = { ${config} };\nexport async function up(knex, { backfill, inBatches }) { ${body} }\n`;

test.each([
  ['a new table', 'CREATE TABLE t (a int, b serial)', ['public.t']],
  ['an altered table', 'ALTER TABLE posts ADD COLUMN n int', ['public.posts']],
  ['a dropped table', 'DROP TABLE old', ['public.old']],
  ['a foreign key', 'ALTER TABLE users ADD FOREIGN KEY (id) REFERENCES posts', ['public.posts', 'public.users']],
  ['an index', 'CREATE INDEX ON users (email)', ['public.users']],
  ['a view and what it reads', 'CREATE VIEW v AS SELECT FROM users', ['public.users', 'public.v']],
  ['a sequence of nobody', 'ALTER SEQUENCE tickets RESTART', ['public.tickets']],
  ['a function', `CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'`, ['public.one(a integer)']],
  ['a type', `CREATE TYPE mood AS ENUM ('a')`, ['public.mood']],
  ['a schema', 'CREATE SCHEMA legacy; CREATE TABLE legacy.x (a int)', ['legacy', 'legacy.x']],
  ['nothing', 'SELECT 1', []],
])('%s is observed', async (_what, sql, tables) => {
  project.write('db/migrate/20260101000001_next.sql', sql);
  await project.json('hash');
  expect(touches('_next')).toEqual(tables);
});

test.each([
  ['a concurrent index', `await knex.raw('CREATE INDEX CONCURRENTLY posts_text ON posts (text)')`, ['public.posts']],
  ['a query', `await knex('users').where({ id: 1 }).update({ email: 'x' })`, ['public.users']],
  ['a transaction', `await knex.transaction((trx) => trx('posts').insert({ id: 1 }))`, ['public.posts']],
  [
    'a backfill without rows',
    `await backfill({ table: 'users', set: { email: 'id::text' }, where: 'email IS NULL' })`,
    ['public.users'],
  ],
  [
    'batches without rows',
    `await inBatches({ table: 'posts', columns: ['id'] }, async () => undefined)`,
    ['public.posts'],
  ],
])('%s outside a transaction is observed', async (_what, body, tables) => {
  project.write('db/data/20260101000001_next.mjs', script(body));
  await project.json('hash');
  expect(touches('_next')).toEqual(tables);
});

test('what was observed stays until the file changes', async () => {
  project.write('db/migrate/20260101000001_next.sql', 'ALTER TABLE posts ADD COLUMN n int');
  await project.json('hash');
  expect(await project.json('hash')).toEqual({ files: [], observed: [], unknown: [] });
  project.write('db/migrate/20260101000001_next.sql', 'ALTER TABLE users ADD COLUMN n int');
  expect((await project.json('hash')).observed).toEqual(['20260101000001_next']);
  expect(touches('_next')).toEqual(['public.users']);
});

test('what cannot be replayed is entered and stays unknown, as does what comes after it', async () => {
  project.write('db/migrate/20260101000001_wrong.sql', 'ALTER TABLE missing ADD COLUMN n int');
  project.write('db/migrate/20260101000002_next.sql', 'ALTER TABLE posts ADD COLUMN n int');
  const ran = await project.phase('hash');
  expect(ran.code).toBe(0);
  expect(ran.stderr).toContain('20260101000001_wrong, 20260101000002_next');
  expect(ran.stderr).toContain('relation "missing" does not exist');
  expect(touches('_create')).toContain('public.users');
  expect([touches('_wrong'), touches('_next')]).toEqual([undefined, undefined]);
  // Knowing that it cannot be replayed now says nothing about the edited file.
  project.write('db/migrate/20260101000001_wrong.sql', 'ALTER TABLE users ADD COLUMN n int');
  await project.json('hash');
  expect([touches('_wrong'), touches('_next')]).toEqual([['public.users'], ['public.posts']]);
});

test('without a replay nothing runs', async () => {
  expect((await project.json('hash', '--no-replay')).files).toEqual(['db/releases/1.0.0.yml']);
  expect(touches('_create')).toBeUndefined();
});
