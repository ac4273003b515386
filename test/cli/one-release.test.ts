import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "1.1.0"}' });
  await project.json('init');
  await database.sql(`CREATE TABLE users (id int PRIMARY KEY, email text, "Odd name" int DEFAULT 3);
    INSERT INTO users SELECT n, CASE WHEN n % 3 > 0 THEN 'u' || n END FROM generate_series(1, 900) AS n`);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const notNull = (...flags: string[]) => [
  ...['new', 'set-not-null', '--table', 'users', '--column', 'email'],
  ...flags,
  '--yes',
];
const isNotNull = async (): Promise<boolean> => {
  const sql = "SELECT attnotnull AS yes FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'email'";
  return (await database.sql(sql))[0].yes;
};

test('a column becomes NOT NULL once nothing is alive that may write NULL; rows without a value are filled then', async () => {
  const missing = await project.phase(...notNull(), '--json');
  expect([missing.code, missing.json.error.code]).toEqual([2, 'PH1004']);
  expect(missing.json.error.message).toContain('300 rows');
  const { files, why } = await project.json(...notNull('--fill', "'user ' || id"));
  expect(why).toContain('held until none of them is alive');
  expect(files.map(({ path }: { path: string }) => path)).toEqual([
    expect.stringMatching(/^db\/data\/\d+_users_email_fill\.ts$/),
    expect.stringMatching(/^db\/migrate\/\d+_users_email_not_null\.ts$/),
    'db/releases/1.1.0.yml',
  ]);
  await project.json('release', 'cut', '1.1.0');
  const { held } = await project.json('migrate', '--release', '1.1.0', '--running', '1.0.0');
  expect(held).toHaveLength(2);
  // What an older release writes until it is gone is filled, too.
  await database.sql('INSERT INTO users (id) VALUES (901)');
  await project.json('migrate', '--release', '1.1.0', '--maintenance');
  expect(await isNotNull()).toBe(true);
  expect(await database.sql('SELECT email FROM users WHERE id IN (3, 901) ORDER BY id')).toEqual([
    { email: 'user 3' },
    { email: 'user 901' },
  ]);
  expect(await database.sql("SELECT FROM pg_constraint WHERE contype = 'c' AND conrelid = 'users'::regclass")).toEqual(
    [],
  );
  await project.json('rollback');
  expect(await isNotNull()).toBe(false);
});

test('what is NOT NULL already, or is filled with something else, is refused, and nothing is written', async () => {
  const before = project.files();
  const wrong = await project.phase(...notNull('--fill', '1 +'), '--json');
  expect([wrong.code, wrong.json.error.code]).toEqual([2, 'PH1043']);
  const unknown = await project.phase(...notNull('--fill', 'emial'), '--json');
  expect(unknown.json.error.message).toContain('"emial" does not exist');
  const already = await project.phase('new', 'set-not-null', '--table', 'users', '--column', 'id', '--yes', '--json');
  expect([already.code, already.json.error.code]).toEqual([2, 'PH1015']);
  expect(project.files()).toEqual(before);
});

test('--tolerated holds nothing', async () => {
  await database.sql("UPDATE users SET email = 'x'");
  await project.json(...notNull('--tolerated'));
  await project.json('release', 'cut', '1.1.0');
  expect(await project.json('migrate', '--release', '1.1.0')).toMatchObject({ held: [] });
  expect(await isNotNull()).toBe(true);
});

test('a default is a statement there and one back', async () => {
  const flags = ['new', 'set-default', '--table', 'users', '--column', 'Odd name'];
  const wrong = await project.phase(...flags, '--default', "'many'", '--yes', '--json');
  expect([wrong.code, wrong.json.error.code]).toEqual([2, 'PH1043']);
  const { files, why } = await project.json(...flags, '--default', '4 + 1', '--yes');
  expect(why).toContain('nothing waits');
  expect(project.read(files[0].path)).toBe(
    'ALTER TABLE "public"."users" ALTER COLUMN "Odd name" SET DEFAULT (4 + 1);\n\n-- phase:down\nALTER TABLE "public"."users" ALTER COLUMN "Odd name" SET DEFAULT 3;\n',
  );
  await project.json('release', 'cut', '1.1.0');
  await project.json('migrate', '--release', '1.1.0');
  await database.sql('INSERT INTO users (id) VALUES (1000)');
  expect(await database.sql('SELECT "Odd name" AS n FROM users WHERE id = 1000')).toEqual([{ n: 5 }]);
  await project.json('rollback');
});

test.each([
  ['set-not-null', '--fill', "'x') FROM users; DROP TABLE users; --"],
  ['set-not-null', '--fill', "'x'), ('y'"],
  ['set-not-null', '--fill', "'x') FROM users WHERE (true"],
  ['set-default', '--default', "'x'); DROP TABLE users; --"],
])('%s %s takes one expression, and runs nothing else: %s', async (command, flag, text) => {
  const { json } = await project.phase(
    ...['new', command, '--table', 'users', '--column', 'email', flag, text, '--yes', '--json'],
  );
  expect(json.error).toMatchObject({ code: 'PH1043', details: { flag } });
  expect(await database.sql('SELECT count(*)::integer AS rows FROM users')).toEqual([{ rows: 900 }]);
});

const dropped = (...flags: string[]) => [
  ...['new', 'drop-column', '--table', 'users', '--column', 'email'],
  ...flags,
  '--yes',
];
const columns = async (): Promise<string> => {
  const sql =
    "SELECT string_agg(attname, ' ' ORDER BY attnum) AS all FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped";
  return (await database.sql(sql))[0].all;
};

test('a column may be left out at once, and goes once nothing is alive that may use it and nobody writes it', async () => {
  await database.sql(`UPDATE users SET email = '' WHERE email IS NULL;
    ALTER TABLE users ALTER COLUMN email SET NOT NULL;
    CREATE INDEX users_email ON users (email);
    CREATE VIEW emails AS SELECT email FROM users`);
  project.write('src/users.js', "await db('users').select('users.email');\n");
  const refused = await project.phase(...dropped(), '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2001']);
  expect(refused.json.error.remedy).toContain('may go with the column (--drop NAME)');
  const { files, why } = await project.json(...dropped('--drop', 'users_email', '--drop', 'emails'));
  expect(files.map(({ path }: { path: string }) => path)).toEqual([
    expect.stringMatching(/^db\/migrate\/\d+_users_email_ignored\.ts$/),
    expect.stringMatching(/^db\/migrate\/\d+_users_email_dropped\.ts$/),
    'db/functions/writes_users_email_v01.sql',
    'db/triggers/writes_users_email_v01.sql',
    'db/releases/1.1.0.yml',
  ]);
  expect(why).toContain('src/users.js:1');
  const again = await project.phase(...dropped('--drop', 'users_email', '--drop', 'emails'), '--json');
  expect([again.code, again.json.error.code]).toEqual([4, 'PH2002']);
  // As the remedy says: entries and files away, and it can be scaffolded anew.
  const manifest = project.files()['db/releases/1.1.0.yml'] ?? '';
  project.write('db/releases/1.1.0.yml', manifest.replace(/^migrations:[\s\S]*/m, 'migrations: []\nsources: []\n'));
  for (const { path } of files) if (!path.endsWith('.yml')) rmSync(join(project.root, path));
  await project.json(...dropped('--drop', 'users_email', '--drop', 'emails'));
  await project.json('release', 'cut', '1.1.0');
  const { held } = await project.json('migrate', '--release', '1.1.0', '--running', '1.0.0');
  expect(held).toEqual([expect.stringMatching(/_users_email_dropped$/)]);
  // The new release leaves the column out, which counts as no write; an older one still gives it a value.
  await database.sql('INSERT INTO users (id) VALUES (901); UPDATE users SET "Odd name" = 4, email = email');
  await database.sql("INSERT INTO users (id, email) VALUES (902, 'x'); UPDATE users SET email = 'y' WHERE id = 901");
  const written = await project.phase('migrate', '--release', '1.1.0', '--maintenance', '--json');
  expect([written.code, written.json.error.code]).toEqual([4, 'PH2006']);
  expect(written.json.error.message).toContain('2 writes');
  expect(await columns()).toBe('id email Odd name');
  // What only this database has is not in the files.
  await database.sql('CREATE INDEX by_hand ON users (upper(email))');
  const last = ['migrate', '--release', '1.1.0', '--maintenance', '--straggler-window', '0'];
  const more = await project.phase(...last, '--json');
  expect([more.code, more.json.error.code]).toEqual([4, 'PH2008']);
  expect(more.json.error.message).toContain('by_hand');
  expect(await columns()).toBe('id email Odd name');
  await database.sql('DROP INDEX by_hand');
  await project.json(...last);
  expect(await columns()).toBe('id Odd name');
  const left = await database.sql(`SELECT proname FROM pg_proc WHERE proname LIKE '%users\\_email%'
    UNION ALL SELECT relname FROM pg_class WHERE relname ~ 'users_email|emails'`);
  expect(left).toEqual([]);
});

test('a column that is being renamed does not go, and one of a later name may go after one that has gone', async () => {
  const rename = ['new', 'rename-column', '--table', 'users', '--from', 'email', '--to', 'mail', '--yes'];
  await project.json(...rename, '--releases', '1.1.0,1.2.0,1.3.0');
  const beside = await project.phase(...dropped(), '--json');
  expect([beside.code, beside.json.error.code]).toEqual([4, 'PH2002']);
  expect(beside.json.error.remedy).toContain('after 1.3.0');
  const odd = ['new', 'drop-column', '--table', 'users', '--column', 'Odd name', '--tolerated', '--yes'];
  await project.json(...odd);
  await project.json('release', 'cut', '1.1.0');
  await project.json('migrate', '--release', '1.1.0', '--running', '1.0.0');
  expect(await columns()).toBe('id email mail');
  await database.sql('ALTER TABLE users ADD COLUMN "Odd name" int DEFAULT 3');
  const { files } = await project.json(...odd, '--release', '1.2.0');
  expect(files[2].path).toMatch(/^db\/functions\/writes_users_odd_name_[0-9a-f]{8}_[0-9a-f]{8}_v01\.sql$/);
});

test('a column that nobody writes, or nobody may leave out, is refused with the way', async () => {
  await database.sql(`CREATE DOMAIN filled AS text NOT NULL;
    CREATE TABLE pages (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, title filled, kind filled DEFAULT 'page')`);
  const drop = (column: string) =>
    project.phase('new', 'drop-column', '--table', 'pages', '--column', column, '--yes', '--json');
  const generated = await drop('twice');
  expect(generated.json.error).toMatchObject({ code: 'PH2001', remedy: expect.stringContaining('phase new schema') });
  const required = await drop('title');
  expect(required.json.error).toMatchObject({
    code: 'PH2001',
    remedy: expect.stringContaining('phase new set-default'),
  });
  expect((await drop('kind')).code).toBe(0);
});
