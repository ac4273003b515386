import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { withRenames } from '../../src/app/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeAll(async () => {
  database = await createDatabase();
  await database.sql(
    `CREATE TABLE users (id int PRIMARY KEY, name text, nick text); INSERT INTO users VALUES (1, 'a', 'n')`,
  );
  project = new TestProject(database.url);
});
afterAll(async () => {
  project.remove();
  await database.drop();
});

async function rename(from: string, to: string, releases: readonly string[]): Promise<void> {
  const flags = ['--table', 'users', '--from', from, '--to', to, '--releases', releases.join(','), '--yes'];
  await project.json('new', 'rename-column', ...flags);
  for (const release of releases) await project.json('release', 'cut', release);
}

async function upgrade(release: string): Promise<void> {
  await project.json('migrate', '--release', release);
  await project.json('finish', '--straggler-window', '0');
}

/** What an application of a release reads, and that it can write what it reads. */
async function seenBy(release: string): Promise<object> {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  await withRenames(pool, { root: project.root, release, onDeprecation: () => undefined });
  const [row] = (await pool.query('SELECT * FROM users')).rows;
  const set = Object.keys(row).map((name) => `${name} = ${name}`);
  await pool.query(`UPDATE users SET ${set.join(', ')}`);
  await pool.end();
  return { ...row };
}

test('names that are free again belong to whoever takes them', async () => {
  await rename('name', 'full_name', ['1.1.0', '1.2.0', '1.3.0']);
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) await upgrade(release);
  expect(await seenBy('1.3.0')).toEqual({ id: 1, nick: 'n', full_name: 'a' });
  // By another column, without a rename.
  await database.sql(`ALTER TABLE users ADD COLUMN name text DEFAULT 'other'`);
  for (const release of ['1.1.0', '1.2.0', '1.3.0', '1.4.0']) {
    expect(await seenBy(release)).toEqual({ id: 1, nick: 'n', full_name: 'a', name: 'other' });
  }
  await database.sql('ALTER TABLE users DROP COLUMN name');
  // By the rename of the way back.
  await rename('full_name', 'name', ['1.4.0', '1.5.0', '1.6.0']);
  await upgrade('1.4.0');
  expect(await seenBy('1.4.0')).toEqual({ id: 1, nick: 'n', full_name: 'a' });
  await upgrade('1.5.0');
  expect(await seenBy('1.4.0')).toEqual({ id: 1, nick: 'n', full_name: 'a' });
  expect(await seenBy('1.5.0')).toEqual({ id: 1, nick: 'n', name: 'a' });
  await upgrade('1.6.0');
  expect(await seenBy('1.6.0')).toEqual({ id: 1, nick: 'n', name: 'a' });
});
