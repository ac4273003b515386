import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { Knex } from 'knex';
import pg from 'pg';
import oldPg from 'pg-8.16';
import Cursor from 'pg-cursor';
import { type Place, withRenames } from '../../src/app/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeKnex } from '../support/knex.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
/** Both columns are there: the third phase is held. */
beforeAll(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await database.sql(`CREATE TABLE users (id int PRIMARY KEY, email text, "group" int); INSERT INTO users VALUES (1, 'a', 1), (2, 'b', 2);
    CREATE TABLE groups (id int PRIMARY KEY, email text); INSERT INTO groups VALUES (1, 'g')`);
  const flags = ['--table', 'users', '--from', 'email', '--to', 'mail', '--releases', '1.1.0,1.2.0,1.3.0', '--yes'];
  await project.json('new', 'rename-column', ...flags);
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) await project.json('release', 'cut', release);
  await project.json('migrate', '--release', '1.3.0', '--straggler-window', '0');
});
afterAll(async () => {
  project.remove();
  await database.drop();
});

const opened: { destroy(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.destroy();
  await database.sql('TRUNCATE users; INSERT INTO users VALUES (1, $$a$$), (2, $$b$$); UPDATE users SET "group" = id');
});

const warnings: { message: string; place: Place }[] = [];
const options = (release: string) => {
  warnings.length = 0;
  return {
    root: project.root,
    release,
    onDeprecation: (message: string, place: Place) => void warnings.push({ message, place }),
  };
};
async function knexAt(release: string): Promise<Knex> {
  const knex = makeKnex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } });
  opened.push(knex);
  return withRenames(knex, options(release));
}
async function poolAt(release: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  opened.push({ destroy: () => pool.end() });
  return withRenames(pool, options(release));
}

/** Every form in which knex gives rows of the table. */
const READS: [string, (knex: Knex) => Promise<object>][] = [
  ['select *', async (knex) => (await knex('users').orderBy('id'))[0]],
  ['first', (knex) => knex('users').orderBy('id').first()],
  ['where', async (knex) => (await knex('users').where({ id: 1 }))[0]],
  [
    'a join with aliases',
    async (knex) => (await knex('users as u').join('groups as g', 'g.id', 'u.group').select('u.*'))[0],
  ],
  ['raw', async (knex) => (await knex.raw('SELECT * FROM users ORDER BY id')).rows[0]],
  ['a transaction', (knex) => knex.transaction(async (trx) => (await trx('users').orderBy('id'))[0])],
  ['a CTE', async (knex) => (await knex.with('x', knex('users')).select('*').from('x').orderBy('id'))[0]],
  ['update returning', async (knex) => (await knex('users').where({ id: 1 }).update({ group: 3 }).returning('*'))[0]],
  ['delete returning', async (knex) => (await knex('users').where({ id: 1 }).del().returning('*'))[0]],
  ['insert returning', async (knex) => (await knex('users').insert({ id: 3 }).returning('*'))[0]],
  [
    'upsert returning',
    async (knex) => (await knex('users').insert({ id: 1 }).onConflict('id').merge({ group: 9 }).returning('*'))[0],
  ],
  [
    'a stream',
    async (knex) => {
      for await (const row of knex('users').orderBy('id').stream()) return row;
      return {};
    },
  ],
];

test.each(READS)('in phase 1 rows of %s have the old column and not the new one', async (_form, read) => {
  const row = await read(await knexAt('1.1.0'));
  expect(Object.keys(row)).toEqual(['id', 'email', 'group']);
});

test.each(READS)('from phase 2 on rows of %s have the new column and not the old one', async (_form, read) => {
  for (const release of ['1.2.0', '1.3.0']) {
    expect(Object.keys(await read(await knexAt(release)))).toEqual(['id', 'group', 'mail']);
    await database.sql('DELETE FROM users WHERE id = 3; INSERT INTO users VALUES (1) ON CONFLICT DO NOTHING');
  }
});

test('before phase 1 nothing is changed', async () => {
  const knex = await knexAt('1.0.0');
  expect(Object.keys(await knex('users').first())).toEqual(['id', 'email', 'group', 'mail']);
});

test('reading the old name warns once a place, with the place, and gives the value', async () => {
  const knex = await knexAt('1.1.0');
  const rows = await knex('users').orderBy('id');
  expect(rows.map((row) => row.email)).toEqual(['a', 'b']);
  expect(rows[0].email).toBe('a');
  expect(warnings.map(({ place }) => place)).toEqual([
    expect.stringMatching(/renames\.test\.ts:\d+:\d+$/),
    expect.stringMatching(/renames\.test\.ts:\d+:\d+$/),
  ]);
  expect(warnings[0]?.message).toMatch(/^public\.users\.email is becoming mail; it is read by its old name at /);
  expect(warnings[0]?.place).not.toBe(warnings[1]?.place);
});

test('rows can be printed, copied and changed as before, without a warning for the whole', async () => {
  const [row] = await (await knexAt('1.1.0'))('users').where({ id: 1 });
  expect(JSON.stringify(row)).toBe('{"id":1,"email":"a","group":1}');
  expect(Object.assign({}, row)).toEqual({ id: 1, email: 'a', group: 1 });
  expect(warnings).toEqual([]);
  row.email = 'c';
  expect({ ...row }).toEqual({ id: 1, email: 'c', group: 1 });
});

test('columns of other tables that have the same names are left alone', async () => {
  for (const release of ['1.1.0', '1.2.0']) {
    const knex = await knexAt(release);
    expect(await knex('groups')).toEqual([{ id: 1, email: 'g' }]);
    const [row] = await knex('users as u').join('groups as g', 'g.id', 'u.group').select('u.*', 'g.email');
    expect(row.email).toBe('g');
  }
  expect(warnings).toEqual([]);
});

test('an alias of the old column is hidden from phase 2 on, too', async () => {
  const knex = await knexAt('1.2.0');
  expect(await knex('users').select('id', 'email as address').where({ id: 1 })).toEqual([{ id: 1 }]);
});

/** Every form in which something writes the old column. */
const WRITES: [string, (knex: Knex) => Promise<unknown>][] = [
  ['insert', (knex) => knex('users').insert({ id: 3, email: 'c' })],
  ['update', (knex) => knex('users').update({ email: 'c' })],
  ['upsert', (knex) => knex('users').insert({ id: 1, mail: 'c' }).onConflict('id').merge({ email: 'c' })],
  ['raw', (knex) => knex.raw('UPDATE public.users AS u SET "group" = 1, email = ? WHERE id = 1', ['c'])],
  ['a name in capitals', (knex) => knex.raw(`UPDATE USERS SET EMAIL = 'c'`)],
  ['a transaction', (knex) => knex.transaction((trx) => trx('users').update({ email: 'c' }))],
  ['a CTE', (knex) => knex.raw(`WITH x AS (UPDATE users SET email = 'c' RETURNING id) SELECT * FROM x`)],
  [
    'a stream',
    async (knex) => {
      for await (const row of knex.raw(`UPDATE users SET email = 'c' RETURNING id`).stream()) void row;
    },
  ],
];

test.each(WRITES)(
  'from phase 2 on writing the old column by %s is an error with the new name',
  async (_form, write) => {
    for (const release of ['1.2.0', '1.3.0']) {
      await expect(write(await knexAt(release))).rejects.toThrow('public.users.email is called mail');
    }
    expect((await database.sql(`SELECT FROM users WHERE email = 'c'`)).length).toBe(0);
  },
);

test.each(WRITES)('in phase 1 writing the old column by %s is what the release does', async (_form, write) => {
  await write(await knexAt('1.1.0'));
});

test('from phase 2 on reading it in a condition, and writing another table of such a column, is not refused', async () => {
  const knex = await knexAt('1.2.0');
  await knex('users').where({ email: 'a' }).update({ group: 2 });
  await knex('groups').update({ email: 'h' });
});

test('a pool of pg, a connected client, callbacks, cursors and prepared statements get the same', async () => {
  const pool = await poolAt('1.2.0');
  const sql = 'SELECT * FROM users WHERE id = 1';
  const row = { id: 1, group: 1, mail: 'a' };
  expect((await pool.query(sql)).rows).toEqual([row]);
  for (let again = 0; again < 2; again++) {
    expect((await pool.query({ name: 'one', text: sql })).rows).toEqual([row]);
  }
  const client = await pool.connect();
  const cursor = client.query(new Cursor(sql));
  expect(await cursor.read(1)).toEqual([row]);
  await cursor.close();
  const called = await new Promise((done) =>
    client.query(sql, (_error: Error, { rows }: pg.QueryResult) => done(rows)),
  );
  expect(called).toEqual([row]);
  expect((await client.query({ text: sql, rowMode: 'array' })).rows).toEqual([[1, 'a', 1, 'a']]);
  await expect(client.query('UPDATE users SET email = 1')).rejects.toMatchObject({ code: 'PH5021' });
  await expect(client.query('COPY users (id, email) FROM STDIN')).rejects.toMatchObject({ code: 'PH5021' });
  await client.query('COPY users (id, email) TO STDOUT');
  const refused = client.query(new Cursor(`UPDATE users SET email = '1' RETURNING id`));
  await expect(refused.read(1)).rejects.toMatchObject({ code: 'PH5021' });
  client.release();
  const single = new pg.Client({ connectionString: database.url });
  await single.connect();
  await withRenames(single, options('1.2.0'));
  expect((await single.query(sql)).rows).toEqual([row]);
  await single.end();
});

test('a pg of before 8.17 gets the same', async () => {
  const pool = new oldPg.Pool({ connectionString: database.url, max: 1 });
  opened.push({ destroy: () => pool.end() });
  await withRenames(pool as unknown as pg.Pool, options('1.2.0'));
  expect((await pool.query('SELECT * FROM users WHERE id = 1')).rows).toEqual([{ id: 1, group: 1, mail: 'a' }]);
});

test('a write that is refused answers the callback of its configuration', async () => {
  const client = await (await poolAt('1.2.0')).connect();
  const text = 'UPDATE users SET email = 1';
  const error = await new Promise((done) => void client.query({ text, callback: done } as never));
  expect(error).toMatchObject({ code: 'PH5021' });
  client.release();
});

test('once a connection has left the search path it came with, names alone are left to PostgreSQL', async () => {
  const client = await (await poolAt('1.2.0')).connect();
  await client.query('BEGIN; CREATE SCHEMA tenant; CREATE TABLE tenant.users (id int, email text)');
  const write = `INSERT INTO users (id, email) VALUES (1, 'x')`;
  await client.query('SAVEPOINT before');
  await expect(client.query(write)).rejects.toMatchObject({ code: 'PH5021' });
  await client.query('SET LOCAL search_path = tenant');
  await client.query(write);
  await expect(client.query(write.replace('users', 'public.users'))).rejects.toMatchObject({ code: 'PH5021' });
  await client.query('ROLLBACK');
  client.release();
});

test('an application without its manifests is warned', async () => {
  const empty = new TestProject(database.url);
  const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
  await withRenames(await poolAt('1.0.0'), { root: empty.root, release: '1.1.0' });
  expect(warn).toHaveBeenCalledWith(
    expect.stringContaining('There is no db/releases in'),
    expect.objectContaining({ code: 'PHASE_NO_MANIFESTS' }),
  );
  warn.mockRestore();
  empty.remove();
});

test.each([
  ['an object', {}],
  ['null', null],
  ['a client that is not connected', new pg.Client()],
])('%s is refused', async (_what, target) => {
  await expect(withRenames(target as never, options('1.1.0'))).rejects.toMatchObject({ code: 'PH5023' });
});

test('what is not known is said', async () => {
  const pool = new pg.Pool({ connectionString: database.url });
  opened.push({ destroy: () => pool.end() });
  await expect(withRenames(pool, { root: project.root })).rejects.toMatchObject({ code: 'PH1005' });
});
