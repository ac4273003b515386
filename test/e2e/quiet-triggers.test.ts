import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await database.sql(`CREATE TABLE users (id int PRIMARY KEY, old text, touched int NOT NULL DEFAULT 0);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch(); INSERT INTO users SELECT n, 'v' || n FROM generate_series(1, 100) AS n`);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const RENAME = [
  ...['new', 'rename-column', '--table', 'users', '--from', 'old', '--to', 'new'],
  ...['--releases', `${R1},${R2},${R3}`, '--yes'],
];

test.each([
  [[], 1, 'fires for each row that the backfill changes; --quiet-triggers keeps it quiet'],
  [['--quiet-triggers'], 0, 'is kept quiet while the backfill runs'],
])('with %j each row is touched %i times by the backfill', async (flags, touched, warning) => {
  const { warnings } = await project.json(...RENAME, ...flags);
  expect(warnings).toContainEqual({ code: 'trigger_fires_on_backfill', message: expect.stringContaining(warning) });
  await project.json('migrate', '--release', R1);
  expect(await database.sql('SELECT touched, count(*)::int AS rows FROM users WHERE new = old GROUP BY 1')).toEqual([
    { touched, rows: 100 },
  ]);
  const { audits } = await project.json('audit', 'list');
  expect(project.read(audits[0].file)).toContain(touched === 1 ? ',fired,' : ',quiet,');
});

test('a role that may not is told so, and nothing is written', async () => {
  const role = await database.role();
  await database.sql(`ALTER TABLE users OWNER TO ${role.name}; ALTER FUNCTION touch() OWNER TO ${role.name}`);
  project.url = role.url;
  const ran = await project.phase(...RENAME, '--quiet-triggers', '--json');
  expect({ exit: ran.code, code: ran.json.error.code, files: Object.keys(project.files()) }).toEqual({
    exit: 1,
    code: 'PH5016',
    files: [],
  });
});
