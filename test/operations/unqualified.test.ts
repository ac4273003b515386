import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;

beforeEach(async () => {
  database = await createDatabase();
  const { name, url } = await database.role();
  const [{ own }] = await database.sql('SELECT current_database() AS own');
  await database.sql(`CREATE SCHEMA app AUTHORIZATION ${name}; GRANT CREATE ON DATABASE ${own} TO ${name}; ALTER ROLE ${name} SET search_path = app, public;
    SET ROLE ${name}; SET search_path = app; CREATE TYPE kind AS ENUM ('a', 'b'); CREATE FUNCTION plain(k kind) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
    CREATE TABLE books (id int PRIMARY KEY, kind kind NOT NULL DEFAULT 'a'); INSERT INTO books VALUES (1);
    CREATE TABLE sales (id int, day int) PARTITION BY LIST (day); CREATE TABLE sales_1 PARTITION OF sales FOR VALUES IN (1); RESET ROLE; RESET search_path`);
  project = new TestProject(url, { 'package.json': '{"version": "1.0.0"}' });
  await project.json('init');
});

afterEach(async () => {
  project.remove();
  await database.sql('DROP SCHEMA app CASCADE; DROP SCHEMA IF EXISTS phase CASCADE');
  await database.drop();
});

async function migrate(body: string, config = ''): Promise<void> {
  project.write(
    'db/migrate/20260101000000_t.ts',
    `import { addColumnLike, addConstraint, createIndex, execute, hasColumn, setDefault } from 'triphase';
     ${config}
     export async function up(knex) { ${body} }`,
  );
  await project.json('hash', '--no-replay');
  await project.json('migrate', '--release', '1.0.0');
}

test('what a person wrote finds tables, types and functions by the path of the role, in operations as well', async () => {
  await migrate(`
    if (!(await hasColumn(knex, 'books', 'kind')) || (await hasColumn(knex, 'books', 'sort'))) throw new Error('hasColumn');
    await setDefault(knex, { on: 'books', column: 'kind', expression: "'b'::kind" });
    await addConstraint(knex, { on: 'books', name: 'known', definition: "CHECK (plain(kind) <> '')" });
    await execute(knex, 'ALTER TABLE books ADD COLUMN sort kind');
    await addColumnLike(knex, { on: 'books', column: 'twin', like: 'kind' });
    const both = await Promise.all([hasColumn(knex, 'books', 'kind'), hasColumn(knex, 'books', 'sort')]);
    if (!both.every(Boolean)) throw new Error('at once');
    await knex('books').update({ sort: 'b' });
    await knex.raw('UPDATE books SET kind = sort');`);
  expect(await database.sql('SELECT kind::text, sort::text, pg_typeof(twin)::text AS twin FROM app.books')).toEqual([
    { kind: 'b', sort: 'b', twin: 'app.kind' },
  ]);
});

test('so do indexes outside of a transaction, on a partitioned table, and when they are there already', async () => {
  const index = `await createIndex(knex, { on: 'sales', name: 'sales_id', definition: 'USING btree (id)', unique: false });`;
  await migrate(`${index} ${index}`, 'export const config = { transaction: false, safeToRepeat: true };');
  expect(
    await database.sql(
      `SELECT count(*)::int AS valid FROM pg_index WHERE indisvalid AND indexrelid::regclass::text LIKE 'app.sales%'`,
    ),
  ).toEqual([{ valid: 2 }]);
});
