import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, renameFixture } from '../support/rename-fixture.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  project.write('package.json', '{"version": "1.0.0"}');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

test('what a killed runner has left in the server is waited for before anything runs', async () => {
  await database.sql('CREATE TABLE done (what text)');
  project.write('db/migrate/20260101000000_count.sql', 'CREATE TABLE seen AS SELECT count(*) FROM done;');
  await project.json('hash', '--no-replay');
  // Its connection is gone for the runner, and the server goes on with its statement.
  const left = new pg.Client({ connectionString: database.url, application_name: 'phase-run 00000000 left' });
  await left.connect();
  await left.query("BEGIN; INSERT INTO done VALUES ('by the one that was killed')");
  const ended = sleep(1_500).then(() => left.query('COMMIT'));
  await project.json('migrate', '--release', '1.0.0');
  await ended;
  await left.end();
  expect(await database.sql('SELECT count::int FROM seen')).toEqual([{ count: 1 }]);
});

test('a step that binds a view takes its lock before that of the table, as those who read the view do', async () => {
  const fixture = await renameFixture({
    schema: 'CREATE TABLE users (id int PRIMARY KEY, old text); CREATE VIEW people AS SELECT id, old FROM users',
  });
  try {
    await fixture.deploy(R1);
    const { stdout } = await fixture.project.phase('migrate', '--release', R2, '--dry-run');
    const places = [/ALTER VIEW \S*people\S* OWNER TO/, /LOCK TABLE .*users/].map((wanted) => stdout.search(wanted));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  } finally {
    await fixture.remove();
  }
});
