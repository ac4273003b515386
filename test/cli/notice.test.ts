import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await project.json('init');
  await database.sql(`CREATE TABLE users (id integer PRIMARY KEY, visits integer);
    CREATE TABLE posts (id integer PRIMARY KEY, author integer REFERENCES users (id))`);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const retype = (...flags: string[]) =>
  project.json('new', 'retype-column', ...flags, '--to-type', 'bigint', '--releases', '1.1.0,1.2.0,1.3.0', '--yes');

test('the notice of a change of type says which columns, from what to what, and when', async () => {
  const { change } = await retype('--table', 'users', '--column', 'id', '--with-references');
  const { text } = await project.json('notice', change);
  expect(text).toContain('# public.users.id becomes bigint');
  expect(text).toContain('| `public.users.id` | `integer` | `bigint` | `id_triphase` |');
  expect(text).toContain('| `public.posts.author` | `integer` | `bigint` | `author_triphase` |');
  expect(text).toContain('| 1.2.0 | each column is of the other type');
  expect(text).not.toContain('renamed');
});

test('usages are the lines that have to take both types, of each column of the change', async () => {
  const { change } = await retype('--table', 'users', '--column', 'id', '--with-references');
  project.write('lib/posts.sql', 'SELECT author FROM posts;\n');
  project.write('lib/users.sql', 'SELECT id FROM users;\n');
  const { usages } = await project.json('usages', change);
  expect(usages).toMatchObject([
    { file: 'lib/users.sql', line: 1, certainty: 'sure' },
    { file: 'lib/posts.sql', line: 1, certainty: 'sure' },
  ]);
  expect((await project.json('usages', `${change}/public.posts.author`)).usages).toMatchObject([
    { file: 'lib/posts.sql' },
  ]);
});

test('where nothing names the column, that is what is said, and not that its name has gone', async () => {
  const { change } = await retype('--table', 'users', '--column', 'visits');
  const { stdout } = await project.phase('usages', change);
  expect(stdout).toBe('No line names visits, so none has to read both types.\n');
});

test('a line that names several columns of a change is said once, and notices know splits, merges and moves', async () => {
  await database.sql(`CREATE TABLE people (id integer PRIMARY KEY, first text, last text);
    CREATE TABLE contacts (person_id integer UNIQUE, phone text)`);
  const releases = ['--releases', '1.1.0,1.2.0,1.3.0', '--yes'];
  const { change } = await project.json(
    ...['new', 'merge-columns', '--table', 'people', '--from', 'first', '--from', 'last'],
    ...['--to', 'name', '--using', "first || ' ' || last"],
    ...['--back', "first=split_part(name, ' ', 1)", '--back', "last=split_part(name, ' ', 2)"],
    ...releases,
  );
  project.write('lib/people.sql', 'SELECT first, last FROM people;\nSELECT last FROM people;\n');
  const { usages } = await project.json('usages', change);
  const inCode = usages.filter(({ file }: { file: string }) => file === 'lib/people.sql');
  expect(inCode).toMatchObject([
    { line: 1, certainty: 'sure' },
    { line: 2, certainty: 'sure' },
  ]);
  expect((await project.json('notice', change)).text).toContain('name');
  const moved = await project.json(
    ...['new', 'move-column', '--table', 'users', '--column', 'visits', '--to-table', 'contacts'],
    ...['--via', 'contacts.person_id = users.id', '--missing', 'skip', ...releases],
  );
  expect((await project.json('notice', moved.change)).text).toContain('contacts');
});
