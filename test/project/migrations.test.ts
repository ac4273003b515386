import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findMigrations } from '../../src/project/migrations.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;

beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  project.write('package.json', '{"version": "1.0.0"}');
  await project.json('init');
});

afterEach(async () => {
  project.remove();
  await database.drop();
});

test('a migration in a folder below is one like any other: it is entered, and it runs', async () => {
  project.write('db/migrate/2026/20260101000000_t.sql', 'CREATE TABLE t (id int);');
  project.write(
    'db/migrate/2026/q1/20260101000001_u.ts',
    `export const up = (knex) => knex.raw('CREATE TABLE u (id int)');`,
  );
  const { findings } = await project.phase('check', '--no-replay', '--json').then(({ json }) => json);
  expect(findings.map(({ code, file }: { code: string; file: string }) => [code, file])).toEqual([
    ['unlisted_file', 'db/migrate/2026/20260101000000_t.sql'],
    ['unlisted_file', 'db/migrate/2026/q1/20260101000001_u.ts'],
  ]);
  await project.json('hash', '--no-replay');
  const { applied } = await project.json('migrate', '--release', '1.0.0');
  expect(applied).toEqual(['20260101000000_t', '20260101000001_u']);
});

test('what a migration reads, tests and hidden folders are none', async () => {
  project.write(
    'db/migrate/20260101000000_t.ts',
    `import { readFileSync } from 'node:fs';
    export const up = (knex) => knex.raw(readFileSync(new URL('./sql/20260101000000_t_up.sql', import.meta.url), 'utf8'));`,
  );
  project.write('db/migrate/sql/20260101000000_t_up.sql', 'CREATE TABLE t (id int);');
  project.write('db/migrate/__tests__/20260101000000_t.ts', '');
  project.write('db/migrate/helpers/columns.ts', 'export const columns = [];');
  expect((await findMigrations(project.root)).map(({ id }) => id)).toEqual(['20260101000000_t']);
});

test.each(['add_users.ts', '20260101000000_t.SQL', 'deeper/20260101000000_t.tsx'])(
  'the name %s does not fit: check finds it, hash refuses, a run says so, and with another name it is entered',
  async (name) => {
    project.write('db/migrate/20260101000009_v.sql', 'CREATE TABLE v (id int);');
    await project.json('hash', '--no-replay');
    project.write(`db/migrate/${name}`, 'CREATE TABLE t (id int);');
    const checked = await project.phase('check', '--no-replay', '--json');
    expect([checked.code, checked.json.findings]).toEqual([
      7,
      [expect.objectContaining({ code: 'PH3021', file: `db/migrate/${name}`, severity: 'error' })],
    ]);
    expect((await project.phase('hash', '--no-replay', '--json')).json.error.code).toBe('PH3021');
    expect((await project.phase('migrate', '--release', '1.0.0')).stderr).toContain(
      `db/migrate/${name} is no migration`,
    );
    project.write('db/migrate/20260101000010_t.sql', 'CREATE TABLE t (id int);');
    project.delete(`db/migrate/${name}`);
    await project.json('hash', '--no-replay');
    await project.json('check', '--no-replay');
  },
);

test('a migration that only a comment names is one, and so is one of a release that is cut, whoever names it', async () => {
  project.write('db/migrate/2026/20260101000000_t.sql', 'CREATE TABLE t (id int);');
  project.write('db/migrate/20260101000001_u.sql', '-- follows 20260101000000_t\nCREATE TABLE u (id int);');
  await project.json('hash', '--no-replay');
  await project.json('release', 'cut', '1.0.0');
  project.write('package.json', '{"version": "1.1.0"}');
  project.write('db/migrate/20260101000002_v.sql', `COMMENT ON TABLE t IS '20260101000000_t';`);
  await project.json('hash', '--no-replay');
  expect((await project.json('migrate', '--release', '1.1.0')).applied).toEqual([
    '20260101000000_t',
    '20260101000001_u',
    '20260101000002_v',
  ]);
});

test('what lies beside migrations under their numbers, such as rows or maps, is nothing that is wrong', async () => {
  project.write('db/migrate/20260101000000_t.sql', 'CREATE TABLE t (id int);');
  for (const name of ['20260101000000_t.csv', '20260101000000_t.js.map', 'README.md'])
    project.write(`db/migrate/${name}`, '');
  await project.json('hash', '--no-replay');
  await project.json('check', '--no-replay');
});
