import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
  await project.json('init');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const TABLES = `CREATE TABLE users (id int PRIMARY KEY, name text, email text);
  CREATE TABLE contacts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE, phone text);
  INSERT INTO users VALUES (1, 'Ann', 'ann@a'), (2, 'Bo', 'bo@b'), (3, 'Cy', NULL);
  INSERT INTO contacts (user_id, phone) VALUES (1, '1'), (2, '2'), (3, '3')`;
const RELEASES = ['--releases', `${R1},${R2},${R3}`];
const VIA = ['--via', 'contacts.user_id = users.id'];

const move = (...flags: string[]) =>
  project.phase(
    ...['new', 'move-column', '--table', 'users', '--column', 'email', '--to-table', 'contacts', ...RELEASES],
    ...[...flags, '--yes', '--json'],
  );
const deploy = (release: string) => project.json('migrate', '--release', release, '--maintenance');
const cutAll = async (): Promise<void> => {
  for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
};
const both = (): Promise<unknown[]> =>
  database.sql(
    'SELECT u.id, u.email AS old, c.email AS new FROM users u LEFT JOIN contacts c ON c.user_id = u.id ORDER BY 1',
  );

test('a column moves to another table in three phases, and back', async () => {
  await database.sql(TABLES);
  const { code, json } = await move(...VIA);
  expect({ code, change: json.change, kind: json.kind, error: json.error }).toEqual({
    code: 0,
    change: 'users_email_to_contacts_email',
    kind: 'move',
  });
  await cutAll();
  await deploy(R1);
  expect(await both()).toEqual([
    { id: 1, old: 'ann@a', new: 'ann@a' },
    { id: 2, old: 'bo@b', new: 'bo@b' },
    { id: 3, old: null, new: null },
  ]);
  await database.sql("UPDATE users SET email = 'cy@c' WHERE id = 3; UPDATE contacts SET email = 'x' WHERE user_id = 2");
  await deploy(R2);
  await database.sql(`UPDATE contacts SET email = 'ann@z' WHERE user_id = 1; UPDATE users SET email = 'bo@z' WHERE id = 2;
    INSERT INTO users VALUES (4, 'Di', NULL); INSERT INTO contacts (user_id, email) VALUES (4, 'di@d')`);
  expect(await both()).toEqual([
    { id: 1, old: 'ann@z', new: 'ann@z' },
    { id: 2, old: 'bo@z', new: 'bo@z' },
    { id: 3, old: 'cy@c', new: 'cy@c' },
    { id: 4, old: 'di@d', new: 'di@d' },
  ]);
  expect((await project.json('status', '--count')).changes).toMatchObject([
    { from: 'email', to: 'public.contacts.email', kind: 'move', phase: 2, mismatches: 0, stragglers: 1, altered: [] },
  ]);
  await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
  expect(await database.sql('SELECT user_id, email FROM contacts ORDER BY 1')).toHaveLength(4);
  for (let step = 0; step < 4; step++) await project.json('rollback');
  expect((await project.phase('rollback', '--json')).code).toBe(0);
  expect(await database.sql('SELECT id, email FROM users ORDER BY id')).toEqual([
    { id: 1, email: 'ann@z' },
    { id: 2, email: 'bo@z' },
    { id: 3, email: 'cy@c' },
    { id: 4, email: 'di@d' },
  ]);
  expect(await database.sql("SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace")).toEqual([]);
});
