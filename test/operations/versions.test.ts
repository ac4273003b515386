import { afterEach, beforeEach, expect, test } from '@jest/globals';
import knexPackage, { type Knex } from 'knex';
import { withContext } from '../../src/operations/context.ts';
import { createFunction, dropFunction, updateFunction } from '../../src/operations/functions.ts';
import { createTrigger, dropTrigger, updateTrigger } from '../../src/operations/triggers.ts';
import { lastVersion } from '../../src/project/versions.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
let knex: Knex;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  const patience = { lockTimeoutMs: 500, attempts: 3 };
  knex = withContext(knexPackage.default({ client: 'pg', connection: database.url }), {
    root: project.root,
    renames: new Map(),
    mappings: new Map(),
    moves: new Map(),
    patience,
    stragglerWindowMs: 0,
    rewriteLimitBytes: 16_000_000,
    dryRun: false,
    passedGates: null,
  });
});
afterEach(async () => {
  await knex.destroy();
  project.remove();
  await database.drop();
});

const write = (version: string, text: string) => project.write(`db/functions/${version}.sql`, text);
const call = async (sql: string) => Object.values((await database.sql(`SELECT ${sql}`))[0])[0];

test('a function is created, replaced in place with what depends on it, and taken back', async () => {
  write('price_v01', `CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT n'`);
  write('price_v02', `CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'`);
  await createFunction(knex, 'price', { version: 1 });
  await database.sql('CREATE VIEW prices AS SELECT price(21) AS price');
  await updateFunction(knex, 'price', { version: 2, revertToVersion: 1 });
  expect(await call('price FROM prices')).toBe(42);
  await updateFunction.revert(knex, 'price', { version: 2, revertToVersion: 1 });
  expect(await call('price FROM prices')).toBe(21);
  await database.sql('DROP VIEW prices');
  await createFunction.revert(knex, 'price', { version: 1 });
  await expect(call('price(1)')).rejects.toThrow('does not exist');
});

test.each([
  [
    'another result',
    `CREATE OR REPLACE FUNCTION price(n int) RETURNS text LANGUAGE sql AS 'SELECT n::text'`,
    'price(1)',
    '1',
  ],
  [
    'other arguments',
    `CREATE OR REPLACE FUNCTION price(n int, m int) RETURNS int LANGUAGE sql AS 'SELECT n + m'`,
    'price(1, 2)',
    3,
  ],
])('a version with %s replaces the earlier one, and leaves no overload', async (_title, second, expression, value) => {
  write('price_v01', `CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT n'`);
  write('price_v02', second);
  await createFunction(knex, 'price', { version: 1 });
  await updateFunction(knex, 'price', { version: 2 });
  expect(await call(expression)).toBe(value);
  expect(await database.sql(`SELECT count(*)::int AS functions FROM pg_proc WHERE proname = 'price'`)).toEqual([
    { functions: 1 },
  ]);
});

test.each([
  ['another result', `RETURNS text LANGUAGE sql AS 'SELECT n::text'`, '(n int)'],
  ['other arguments', `RETURNS int LANGUAGE sql AS 'SELECT n + m'`, '(n int, m int)'],
])(
  'a version with %s takes the one before it away, and no function that is only called alike',
  async (_title, rest, args) => {
    await database.sql(`CREATE SCHEMA other; CREATE FUNCTION other.price(n int) RETURNS int LANGUAGE sql AS 'SELECT 7';
    CREATE FUNCTION price(t text) RETURNS int LANGUAGE sql AS 'SELECT 8'`);
    write('price_v01', `CREATE OR REPLACE FUNCTION public.price(n int) RETURNS int LANGUAGE sql AS 'SELECT n'`);
    write('price_v02', `CREATE OR REPLACE FUNCTION public.price${args} ${rest}`);
    await createFunction(knex, 'price', { version: 1 });
    const signatures = async () =>
      (await database.sql(`SELECT oid::regprocedure::text AS f FROM pg_proc WHERE proname = 'price' ORDER BY 1`)).map(
        ({ f }) => f,
      );
    const types = args.replaceAll(/[nm] int/g, 'integer').replaceAll(' ', '');
    await updateFunction(knex, 'price', { version: 2 });
    expect(await signatures()).toEqual(['other.price(integer)', `price${types}`, 'price(text)'].sort());
    await updateFunction.revert(knex, 'price', { version: 2, revertToVersion: 1 });
    expect(await signatures()).toEqual(['other.price(integer)', 'price(integer)', 'price(text)']);
    expect(await call('other.price(1)')).toBe(7);
  },
);

test('when something depends on the earlier signature nothing changes', async () => {
  write('price_v01', `CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT n'`);
  write('price_v02', `CREATE OR REPLACE FUNCTION price(n int) RETURNS text LANGUAGE sql AS 'SELECT n::text'`);
  await createFunction(knex, 'price', { version: 1 });
  await database.sql('CREATE VIEW prices AS SELECT price(21) AS price');
  await expect(updateFunction(knex, 'price', { version: 2 })).rejects.toThrow('other objects depend on it');
  expect(await call('price FROM prices')).toBe(21);
});

test('triggers go from version to version, and back', async () => {
  await database.sql('CREATE TABLE t (n int)');
  write(
    'bump_v01',
    `CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := NEW.n + 1; RETURN NEW; END $$`,
  );
  project.write(
    'db/triggers/t_bump_v01.sql',
    'CREATE TRIGGER t_bump BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION bump()',
  );
  project.write(
    'db/triggers/t_bump_v02.sql',
    'CREATE TRIGGER t_bump BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.n > 10) EXECUTE FUNCTION bump()',
  );
  const insert = async (n: number) => (await database.sql('INSERT INTO t VALUES ($1) RETURNING n', [n]))[0].n;
  await createFunction(knex, 'bump', { version: 1 });
  await createTrigger(knex, 't_bump', { version: 1, on: 't' });
  expect(await insert(1)).toBe(2);
  await updateTrigger(knex, 't_bump', { version: 2, on: 't' });
  expect([await insert(1), await insert(11)]).toEqual([1, 12]);
  await updateTrigger.revert(knex, 't_bump', { version: 2, on: 't', revertToVersion: 1 });
  expect(await insert(1)).toBe(2);
  await dropTrigger(knex, 't_bump', { on: 't' });
  expect(await insert(1)).toBe(1);
  await dropTrigger.revert(knex, 't_bump', { on: 't', revertToVersion: 2 });
  expect(await insert(11)).toBe(12);
  await dropTrigger(knex, 't_bump', { on: 't' });
  await dropFunction(knex, 'bump');
});

test('a version without a file is named', async () => {
  await expect(createFunction(knex, 'nothing', { version: 3 })).rejects.toMatchObject({
    code: 'PH1017',
    why: expect.stringContaining('nothing_v03.sql'),
  });
});

test('phase new starts a version, then copies the last to the next; a name that looks like a version is no matter', async () => {
  project.write('package.json', '{ "version": "1.0.0" }');
  expect((await project.json('new', 'function', 'v2_sync')).files).toContain('db/functions/v2_sync_v01.sql');
  write('v2_sync_v01', '-- edited');
  await project.json('new', 'function', 'v2_sync');
  expect(project.read('db/functions/v2_sync_v02.sql')).toBe('-- edited');
  expect(await lastVersion(project.root, 'function', 'v2_sync')).toBe(2);
  await project.json('new', 'trigger', 'books_touch', '--on', 'books');
  expect(project.read('db/triggers/books_touch_v01.sql')).toContain('ON books');
  expect(await project.phase('new', 'trigger', 'other', '--json')).toMatchObject({
    code: 2,
    json: { error: { remedy: 'Give --on.' } },
  });
  expect(await project.phase('new', 'schema', '../evil', '--json')).toMatchObject({
    code: 2,
    json: { error: { code: 'PH1015' } },
  });
});
