import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { EMBEDDED_VERSIONS } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differencesOf, fingerprint } from '../support/fingerprint.ts';
import { TestProject } from '../support/project.ts';
import { FAST_SETTINGS } from '../support/server.ts';

const SCHEMA = `CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, org int, at timestamptz NOT NULL DEFAULT now(), "Odd ""name""" int GENERATED ALWAYS AS (1) STORED);
  CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users ON DELETE CASCADE); CREATE VIEW mails AS SELECT email FROM users;
  INSERT INTO users (email) VALUES ('a'), ('b'); INSERT INTO posts VALUES (1, 1)`;
const SECURED = `ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY seen ON users USING (email <> 'hidden')`;

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  await database.sql(SCHEMA);
  project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "1.1.0"}' });
  await project.json('init');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const scaffold = (...flags: string[]) =>
  project.phase('new', 'rename-table', '--table', 'users', '--to', 'people', ...flags, '--yes', '--json');
const migrate = (...flags: string[]) => project.json('migrate', '--release', '1.1.0', ...flags);

/** But for how far sequences have come. */
const schemasDiffer = async (one: TestDatabase, other: TestDatabase): Promise<string[]> =>
  differencesOf(await fingerprint(one), await fingerprint(other)).filter((line) => !/^. sequence /.test(line));

test('older releases read and write by the old name, with the rights that they have, until none is alive', async () => {
  const [plain, untouched] = [await createDatabase(), await createDatabase()];
  try {
    const role = await database.role();
    const rights = `GRANT SELECT, INSERT, DELETE, UPDATE (email) ON users TO ${role.name}; GRANT SELECT (org) ON users TO PUBLIC`;
    await database.sql(`${SECURED}; ${rights}`);
    for (const other of [plain, untouched]) await other.sql(`${SCHEMA}; ${SECURED}; ${rights}`);
    await plain.sql('ALTER TABLE users RENAME TO people');
    const { json } = await scaffold();
    expect(json.why).toContain('No line of the code does any of it to the table.');
    await project.json('release', 'cut', '1.1.0');
    const { applied, held } = await migrate('--running', '1.0.0');
    expect([applied.length, held.length]).toEqual([1, 1]);
    await database.sql(`SET ROLE ${role.name}`);
    await database.sql(
      `INSERT INTO users (email) VALUES ('c') ON CONFLICT (email) DO UPDATE SET email = excluded.email`,
    );
    await expect(database.sql(`INSERT INTO users (email) VALUES ('hidden')`)).rejects.toThrow('row-level security');
    await expect(database.sql('UPDATE users SET org = 1')).rejects.toThrow('permission denied');
    expect(await database.sql(`UPDATE people SET email = upper(email) WHERE email = 'a' RETURNING id, email`)).toEqual([
      { id: 1, email: 'A' },
    ]);
    expect(await database.sql('SELECT email FROM users ORDER BY id FOR UPDATE')).toEqual([
      { email: 'A' },
      { email: 'b' },
      { email: 'c' },
    ]);
    await database.sql(`DELETE FROM users WHERE email = 'A'; RESET ROLE`);
    expect(await database.sql('SELECT FROM posts')).toEqual([]);
    await migrate('--maintenance');
    expect(await schemasDiffer(database, plain)).toEqual([]);
    await project.json('rollback');
    await database.sql(`INSERT INTO users (email) VALUES ('again')`);
    await project.json('rollback');
    expect(await schemasDiffer(database, untouched)).toEqual([]);
    await migrate('--maintenance');
    expect(await database.sql(`SELECT FROM people WHERE email = 'again'`)).toHaveLength(1);
  } finally {
    await Promise.all([plain.drop(), untouched.drop()]);
  }
});

test('what uses the old name holds its end up, and is named', async () => {
  await scaffold();
  await project.json('release', 'cut', '1.1.0');
  await migrate('--running', '1.0.0');
  await database.sql('CREATE VIEW later AS SELECT id FROM users');
  const refused = await project.phase('migrate', '--release', '1.1.0', '--maintenance', '--json');
  expect(refused).toMatchObject({
    code: 4,
    json: { error: { code: 'PH2035', message: expect.stringContaining('view later') } },
  });
  await database.sql('CREATE OR REPLACE VIEW later AS SELECT id FROM people');
  await migrate('--maintenance');
});

test('what a view does not stand for is refused, or said with its lines', async () => {
  await database.sql(
    'CREATE FUNCTION label(u users) RETURNS text LANGUAGE sql AS $$ SELECT u.email $$; CREATE PUBLICATION feed FOR TABLE users',
  );
  project.write(
    'src/store.ts',
    "export const empty = 'TRUNCATE users';\nexport const other = 'TRUNCATE users_old';\nexport const key = \"SELECT pg_get_serial_sequence('users', 'id')\";\n",
  );
  const refused = await scaffold();
  expect(refused).toMatchObject({ code: 4, json: { error: { code: 'PH2035' } } });
  expect(refused.json.error.message).toContain('function public.label(public.users); publication feed');
  expect(refused.json.error.remedy).toContain('--tolerated');
  expect((await scaffold('--tolerated')).json.why).toContain('Lines that may do so: src/store.ts:1, src/store.ts:3.');
});

test.each([
  ['posts', 'PH1009'],
  ['users', 'PH1009'],
  ['mails', 'PH1009'],
  ['x'.repeat(64), 'PH1009'],
])('of users to %s is refused with %s', async (to, code) => {
  const before = Object.keys(project.files());
  const { json } = await project.phase('new', 'rename-table', '--table', 'users', '--to', to, '--yes', '--json');
  expect(json.error.code).toBe(code);
  expect(Object.keys(project.files())).toEqual(before);
});

test('a change of its columns comes to its end first', async () => {
  const flags = ['--table', 'users', '--from', 'email', '--to', 'mail', '--releases', '1.1.0,1.2.0,1.3.0', '--yes'];
  await project.json('new', 'rename-column', ...flags);
  expect((await scaffold()).json.error).toMatchObject({
    code: 'PH2002',
    remedy: expect.stringContaining('after 1.3.0'),
  });
});

test('before PostgreSQL 15, where a view sees what its owner sees, a table with policies keeps its name', async () => {
  const options = {
    version: EMBEDDED_VERSIONS[0],
    project: repository,
    name: `test-${process.pid}-names`,
    settings: FAST_SETTINGS,
  };
  const server = await startEmbedded(options);
  try {
    const old = await createDatabase(server);
    const other = new TestProject(old.url, { 'package.json': '{"name": "shop", "version": "1.1.0"}' });
    await old.sql(SCHEMA);
    await other.json('init');
    const flags = ['new', 'rename-table', '--table', 'users', '--to', 'people', '--yes', '--json'];
    await other.json(...flags);
    await old.sql(SECURED);
    expect((await other.phase(...flags)).json.error.code).toBe('PH2035');
    // Policies that came since are seen by the step itself.
    await other.json('release', 'cut', '1.1.0');
    expect((await other.phase('migrate', '--release', '1.1.0', '--json')).json.error.code).toBe('PH2035');
    await old.sql('ALTER TABLE users DISABLE ROW LEVEL SECURITY');
    // Who would get a new table by default privileges gets no view of one that he may not read.
    const reader = await old.role();
    await old.sql(`ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ${reader.name}, PUBLIC`);
    await other.json('migrate', '--release', '1.1.0', '--running', '1.0.0');
    await old.sql(`INSERT INTO users (email) VALUES ('c') ON CONFLICT (email) DO NOTHING; SET ROLE ${reader.name}`);
    await expect(old.sql('SELECT FROM users')).rejects.toThrow('permission denied');
    await old.sql('RESET ROLE; ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC');
    other.remove();
    await old.drop();
  } finally {
    await removeEmbedded(options);
  }
});
