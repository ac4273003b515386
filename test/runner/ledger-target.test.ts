import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;

const withPath = (url: string, path: string): string =>
  `${url}?options=${encodeURIComponent(`-c search_path=${path}`)}`;

beforeEach(async () => {
  database = await createDatabase();
  await database.sql('CREATE SCHEMA tenant1; CREATE SCHEMA tenant2');
  project = new TestProject(withPath(database.url, 'tenant1'), { 'package.json': '{"version": "1.0.0"}' });
  await project.json('init');
  project.write('db/migrate/20260101000000_t.sql', 'CREATE TABLE t (id int);');
  await project.json('hash', '--no-replay');
  await project.json('release', 'cut', '1.0.0');
  await project.json('migrate', '--release', '1.0.0');
});

afterEach(async () => {
  project.remove();
  await database.drop();
});

test('a ledger that was made for one schema says nothing of another: every command refuses that', async () => {
  project.url = withPath(database.url, 'tenant2');
  for (const command of [
    ['migrate', '--release', '1.0.0'],
    ['migrate', '--release', '1.0.0', '--dry-run'],
    ['finish'],
    ['rollback', '--steps', '1'],
    ['status'],
    ['plan', '--to', '1.0.0'],
    ['wait', '--release', '1.0.0', '--timeout', '1'],
  ]) {
    const { code, json } = await project.phase(...command, '--json');
    expect([command[0], code, json.error]).toEqual([
      command[0],
      5,
      expect.objectContaining({
        code: 'PH3022',
        message: expect.stringMatching(/lead to tenant2 .* made where they led to tenant1/),
      }),
    ]);
  }
});

test('another path to the same schema is the same, and so is the same path where its schema came later', async () => {
  project.url = withPath(database.url, 'tenant1,public');
  await project.json('migrate', '--release', '1.0.0');
  await database.sql(
    `UPDATE phase.ledger SET search_path = 'app, public', target_schema = 'public'; CREATE SCHEMA app`,
  );
  project.url = withPath(database.url, 'app,public');
  // As PostgreSQL shows it.
  await database.sql(`UPDATE phase.ledger SET search_path = 'app,public'`);
  await project.json('migrate', '--release', '1.0.0');
});

test('who only asks may have a path of its own: that of the role of the application', async () => {
  const { name, url } = await database.role();
  await database.sql(
    `GRANT USAGE ON SCHEMA phase TO ${name}; GRANT SELECT ON ALL TABLES IN SCHEMA phase TO ${name}; ALTER ROLE ${name} SET search_path = tenant2`,
  );
  project.url = url;
  expect(await project.json('wait', '--release', '1.0.0')).toMatchObject({ ready: true });
});

test('where the schema was renamed the ledger goes on with it, as the refusal says', async () => {
  await database.sql('ALTER SCHEMA tenant1 RENAME TO shop');
  project.url = withPath(database.url, 'shop');
  expect((await project.phase('migrate', '--release', '1.0.0', '--json')).json.error.remedy).toContain(
    'SET search_path = NULL',
  );
  await database.sql('UPDATE phase.ledger SET search_path = NULL');
  await project.json('migrate', '--release', '1.0.0');
  project.url = withPath(database.url, 'tenant2');
  expect((await project.phase('migrate', '--release', '1.0.0')).code).toBe(5);
});

test('a schema phase that holds something else is refused by name; an empty one that was granted beforehand is used', async () => {
  const other = await createDatabase();
  project.url = other.url;
  await other.sql('CREATE SCHEMA phase; CREATE TABLE phase.moons (id int)');
  const { code, json } = await project.phase('migrate', '--release', '1.0.0', '--json');
  expect([code, json.error.code, json.error.details]).toEqual([5, 'PH3023', { schema: 'phase', objects: ['moons'] }]);
  await other.sql('ALTER SCHEMA phase RENAME TO moon; CREATE SCHEMA phase');
  await project.json('migrate', '--release', '1.0.0');
  await other.drop();
});

test('a path that stands for the role leads elsewhere for each, and a schema that the first run makes is remembered', async () => {
  const other = await createDatabase();
  const [one, two] = [await other.role(), await other.role()];
  await other.sql(`CREATE SCHEMA ${two.name} AUTHORIZATION ${two.name}; GRANT ${one.name} TO ${two.name};
    GRANT CREATE ON DATABASE ${new URL(other.url).pathname.slice(1)} TO ${one.name}`);
  project.write('db/migrate/20260102000000_own.sql', `CREATE SCHEMA ${one.name}; CREATE TABLE ${one.name}.u (id int);`);
  project.write('package.json', '{"version": "1.1.0"}');
  await project.json('hash', '--no-replay');
  await other.sql(`GRANT CREATE ON SCHEMA public TO ${one.name}`);
  project.url = one.url;
  await project.json('migrate', '--release', '1.1.0');
  await project.json('migrate', '--release', '1.1.0');
  project.url = two.url;
  expect((await project.phase('migrate', '--release', '1.1.0', '--json')).json.error.code).toBe('PH3022');
  await other.sql(`DROP OWNED BY ${one.name}, ${two.name} CASCADE`);
  await other.drop();
});
