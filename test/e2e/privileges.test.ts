import { afterEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;

afterEach(async () => {
  project.remove();
  await database.drop();
});

test('the deployer needs no superuser, and the application no right that it did not have', async () => {
  database = await createDatabase();
  const [{ name }] = await database.sql('SELECT current_database() AS name');
  const { name: deployer, url } = await database.role();
  const { name: app } = await database.role();
  await database.sql(`GRANT CREATE, TEMPORARY ON DATABASE ${name} TO ${deployer};
    GRANT CREATE, USAGE ON SCHEMA public TO ${deployer}; SET ROLE ${deployer};
    CREATE TABLE accounts (email text PRIMARY KEY);
    CREATE TABLE users (id int PRIMARY KEY, old text UNIQUE REFERENCES accounts ON UPDATE CASCADE ON DELETE SET NULL);
    INSERT INTO accounts VALUES ('a'), ('b'), ('c'), ('d'), ('e'); INSERT INTO users VALUES (1, 'a'), (2, 'b');
    ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY everybody ON users USING (id > 0);
    GRANT SELECT, INSERT, UPDATE, DELETE ON users, accounts TO ${app}; RESET ROLE`);
  project = new TestProject(url);
  await project.json(
    ...['new', 'rename-column', '--table', 'users', '--from', 'old', '--to', 'new'],
    ...['--releases', '1.1.0,1.2.0,1.3.0', '--yes'],
  );
  const asApp = async (sql: string) => {
    await database.sql(`SET ROLE ${app}`);
    try {
      return await database.sql(sql);
    } finally {
      await database.sql('RESET ROLE');
    }
  };
  const stragglers = async () => (await project.json('status')).renames[0].stragglers;
  for (const [release, id] of [
    ['1.1.0', 3],
    ['1.2.0', 4],
  ] as const) {
    await project.json('release', 'cut', release);
    await project.json('migrate', '--release', release);
    expect(
      await asApp(`INSERT INTO users (id, old) VALUES (${id}, '${id === 3 ? 'c' : 'd'}') RETURNING old = new AS same`),
    ).toEqual([{ same: true }]);
    await project.json('finish');
  }
  expect(await stragglers()).toBe(1);
  // Cascades of the foreign key write the new column in phase 2: they are no stragglers.
  await asApp(`UPDATE accounts SET email = 'A' WHERE email = 'a'`);
  await asApp(`DELETE FROM accounts WHERE email = 'b'`);
  expect(await database.sql('SELECT id, old, new FROM users WHERE id < 3 ORDER BY id')).toEqual([
    { id: 1, old: 'A', new: 'A' },
    { id: 2, old: null, new: null },
  ]);
  expect(await stragglers()).toBe(1);
  await project.json('release', 'cut', '1.3.0');
  await project.json('migrate', '--release', '1.3.0', '--straggler-window', '0');
  expect(await asApp('SELECT count(*)::int AS users FROM users')).toEqual([{ users: 4 }]);
});

test('a role without rights on the table is told so', async () => {
  database = await createDatabase();
  await database.sql('CREATE TABLE users (id int, old text)');
  project = new TestProject((await database.role()).url, {
    'phase.config.json': '{ "release": "1.0.0" }',
    'db/migrate/20260101000000_a.sql': 'SELECT 1',
  });
  await project.json('hash');
  expect(await project.phase('migrate', '--json')).toMatchObject({ code: 1, json: { error: { code: 'PH5008' } } });
});
