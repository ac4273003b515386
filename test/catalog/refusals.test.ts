import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeAll(async () => {
  database = await createDatabase();
  await database.sql(`CREATE TABLE users (id int PRIMARY KEY, mail text, email text, gen int GENERATED ALWAYS AS (id + 1) STORED, ident int GENERATED ALWAYS AS IDENTITY);
    CREATE TABLE "Users" (id int); CREATE VIEW people AS SELECT email FROM users; CREATE SCHEMA other; CREATE TABLE other.things (a int); CREATE TABLE things (a int);
    CREATE DOMAIN short AS text CHECK (length(VALUE) < 9); ALTER TABLE users ADD COLUMN domained short;
    CREATE TABLE parts (a int, b text) PARTITION BY RANGE (a); CREATE TABLE parent (a int); CREATE TABLE second (a int); CREATE TABLE child () INHERITS (parent, second);
    CREATE TABLE refs (user_id int REFERENCES users (id));
    ALTER TABLE users ADD COLUMN excluded int, ADD EXCLUDE USING btree (excluded WITH =); INSERT INTO users (id) VALUES (1);
    CREATE TABLE computed (a int, b text, c int) PARTITION BY RANGE (a, (lower(b)));
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (2); CREATE TABLE keyed (a int, b int, PRIMARY KEY (a, b)) PARTITION BY LIST (a); CREATE TABLE keyed_1 PARTITION OF keyed DEFAULT;
    CREATE TABLE keys (a int, b int, CONSTRAINT to_key FOREIGN KEY (a, b) REFERENCES keyed); INSERT INTO keyed_1 VALUES (1, 1); INSERT INTO keys VALUES (1, 1); CREATE TABLE logged (a int, b text);
    CREATE TABLE halves (a int, b int GENERATED ALWAYS AS (a / 2) STORED); INSERT INTO halves VALUES (1); CREATE MATERIALIZED VIEW counted AS SELECT a, count(*) FROM logged GROUP BY a;
    CREATE VIEW on_counted AS SELECT * FROM counted; CREATE TYPE row_type AS (a int); CREATE TABLE typed OF row_type;
    CREATE INDEX broken ON things (a); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass;
    CREATE TABLE row_of (a int); CREATE FUNCTION whole_row() RETURNS row_of LANGUAGE sql BEGIN ATOMIC SELECT a FROM row_of; END;
    CREATE TABLE published (a int); CREATE PUBLICATION changes FOR TABLE published;
    CREATE VIEW joined AS SELECT x FROM (things t JOIN keys k ON k.a = t.a) AS j (x, y)`);
});
afterAll(() => database.drop());
beforeEach(() => {
  project = new TestProject(database.url);
});
afterEach(() => project.remove());

const rename = (table: string, from: string, to: string, releases = '1.1.0,1.2.0,1.3.0') =>
  project.phase(
    'new',
    'rename-column',
    '--table',
    table,
    '--from',
    from,
    '--to',
    to,
    '--releases',
    releases,
    '--yes',
    '--json',
  );

describe('what is asked for wrongly is exit 2, says why, and writes nothing', () => {
  test.each([
    ['a table that does not exist', ['user', 'a', 'b'], 'PH1007', 'users'],
    ['a table in a schema that does not exist', ['nowhere.users', 'a', 'b'], 'PH1007', ''],
    ['a column that does not exist', ['users', 'emial', 'b'], 'PH1008', 'email'],
    ['a view', ['people', 'email', 'b'], 'PH1020', ''],
    ['a name that is taken', ['users', 'email', 'mail'], 'PH1009', 'already'],
    ['the name it has', ['users', 'email', 'email'], 'PH1009', 'has'],
    ['a reserved name', ['users', 'email', 'ctid'], 'PH1009', 'reserved'],
    ['a name over 63 bytes', ['users', 'email', 'ü'.repeat(32)], 'PH1009', '64 bytes'],
    ['an empty name', ['users', 'email', ''], 'PH1009', 'empty'],
    ['equal releases', ['users', 'email', 'x', '1.1,1.1,1.2'], 'PH1010', 'equal'],
    ['descending releases', ['users', 'email', 'x', '1.3,1.2,1.1'], 'PH1010', 'ascending'],
    ['two releases', ['users', 'email', 'x', '1.1,1.2'], 'PH1010', 'three'],
    ['a release that is none', ['users', 'email', 'x', '1.1,next,1.2'], 'PH1006', ''],
  ] as const)('%s', async (_title, [table, from, to, releases], code, why) => {
    const { code: exit, json } = await rename(table, from, to, releases);
    expect({ exit, code: json.error.code }).toEqual({ exit: 2, code });
    expect(`${json.error.message} ${json.error.why}`).toContain(why);
    expect(json.error.remedy).not.toBe('');
    expect(project.files()).toEqual({});
  });

  test('a release that is cut already', async () => {
    project.write('db/releases/1.1.0.yml', 'release: 1.1.0\nstate: open\nmigrations: []\n');
    await project.json('release', 'cut', '1.1.0');
    expect(await rename('users', 'mail', 'x')).toMatchObject({
      code: 2,
      json: { error: { code: 'PH1010', why: expect.stringContaining('cut') } },
    });
  });
});

describe('what cannot be carried over is exit 4, named, and nothing is written', () => {
  test.each([
    ['a generated column', 'users', 'gen', 'generated column'],
    ['a domain with constraints on a table over rewriteLimit', 'users', 'domained', 'domain'],
    ['an exclusion constraint on a table over rewriteLimit', 'users', 'excluded', 'users_excluded_excl'],
    ['the key of a partitioned table', 'parts', 'a', 'partition key of public.parts'],
    ['a column in the expression that a table is partitioned by', 'computed', 'b', 'partition key of public.computed'],
    ['a partition', 'parts_1', 'b', 'inherits the column'],
    [
      'a key that references the primary key of a partitioned table, over rewriteLimit',
      'keyed',
      'b',
      'foreign key "to_key"',
    ],
    ['a child table that has the column from another one, too', 'parent', 'a', 'inheritance of public.child'],
    ['a child table', 'child', 'a', 'inherits the column'],
    ['a generated column before PostgreSQL 17, or over rewriteLimit', 'halves', 'a', 'generated column'],
    ['a materialized view that others need', 'logged', 'a', 'view public.on_counted depends'],
    ['a typed table', 'typed', 'a', 'typed table'],
    ['a function with a parsed body that returns the row', 'row_of', 'a', 'function public.whole_row()'],
    ['a published table that cannot be updated', 'published', 'a', 'published table public.published'],
    ['an invalid index', 'things', 'a', 'index "broken"'],
    ['a view that names the columns of a join by position', 'things', 'a', 'view public.joined'],
  ])('%s', async (_title, table, from, name) => {
    project.write('phase.config.json', '{ "rewriteLimit": 0 }');
    const { code, json } = await rename(table, from, 'renamed');
    expect({ code, error: json.error.code }).toEqual({ code: 4, error: 'PH2001' });
    expect(json.error.message).toContain(name);
    expect(
      json.error.details.objects.filter(({ reason, instead }: Record<string, string>) => !reason || !instead),
    ).toEqual([]);
    expect(Object.keys(project.files())).toEqual(['phase.config.json']);
    expect(await database.sql(`SELECT to_regnamespace('phase') AS ledger`)).toEqual([{ ledger: null }]);
  });
});

test.each([
  ['users', 'public.users'],
  ['USERS', 'public.users'],
  ['"Users"', 'public.Users'],
  ['other.things', 'other.things'],
  ['Other . "things"', 'other.things'],
])('the table %s is read as SQL would', async (text, found) => {
  const column = found.endsWith('things') ? 'a' : found.endsWith('Users') ? 'id' : 'mail';
  await rename(text, column, 'renamed');
  const file = Object.entries(project.files()).find(([path]) => path.startsWith('db/renames/'))?.[1] ?? '';
  expect(`${/schema: (.*)/.exec(file)?.[1]}.${/ name: (.*)/.exec(file)?.[1]}`).toBe(found);
});

test('two renames that share a column or an index have to come one after the other', async () => {
  expect((await rename('users', 'mail', 'letter')).code).toBe(0);
  await database.sql('ALTER TABLE users ADD COLUMN letter text');
  const second = await rename('users', 'letter', 'post', '1.2.0,1.3.0,1.4.0');
  expect(second).toMatchObject({ code: 4, json: { error: { code: 'PH2002' } } });
  expect((await rename('users', 'letter', 'post', '1.4.0,1.5.0,1.6.0')).code).toBe(0);
});

describe('a database that cannot be used', () => {
  test.each([
    ['nothing answers', () => 'postgres://user:secret@127.0.0.1:1/db', 'PH5001'],
    ['no such database', () => database.url.replace(/[^/]+$/, 'nowhere'), 'PH5003'],
  ])('%s: exit 1, and no password in the output', async (_title, url, code) => {
    project.url = url();
    const ran = await project.phase('new', 'rename-column', '--table', 'users', '--json');
    expect({ code: ran.code, error: ran.json.error.code }).toEqual({ code: 1, error: code });
    expect(ran.stdout + ran.stderr).not.toContain('secret');
  });

  test('a wrong password is exit 1 and says so', async () => {
    await database.sql(`DROP ROLE IF EXISTS locked_out; CREATE ROLE locked_out LOGIN PASSWORD 'right'`);
    const trust = await askForPasswords('locked_out');
    try {
      const url = new URL(database.url);
      url.username = 'locked_out';
      url.password = 'wrongsecret';
      project.url = url.href;
      const ran = await project.phase('status', '--json');
      expect(ran).toMatchObject({ code: 1, json: { error: { code: 'PH5002' } } });
      expect(ran.stdout + ran.stderr).not.toContain('wrongsecret');
    } finally {
      await trust();
      await database.sql('DROP ROLE locked_out');
    }
  });
});

/** The embedded server trusts everybody; makes it ask this role. Other servers ask by themselves. Gives the way back. */
async function askForPasswords(role: string): Promise<() => Promise<void>> {
  const [{ file }] = await database.sql(`SELECT current_setting('hba_file') AS file`);
  if (!existsSync(file)) return async () => undefined;
  const before = readFileSync(file, 'utf8');
  const replace = async (text: string) => {
    writeFileSync(file, text);
    await database.sql('SELECT pg_reload_conf()');
    await new Promise((done) => setTimeout(done, 300));
  };
  await replace(`host all ${role} all scram-sha-256\n${before}`);
  return () => replace(before);
}
