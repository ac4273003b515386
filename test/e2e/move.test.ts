import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { expectSameCatalogue } from './oracle.ts';

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

test.each([
  ['PH1015', 'another table', ['--to-table', 'users', '--to', 'mail']],
  ['PH1015', 'create, skip, refuse', ['--missing', 'what']],
  ['PH1009', 'has a column of that name', ['--to', 'phone']],
  ['PH1045', 'No unique index of contacts', ['--via', 'contacts.phone = users.name']],
  ['PH1045', 'It is no equality', ['--via', 'contacts.user_id > users.id']],
  ['PH1045', 'It is no equality', ['--via', 'contacts.user_id = users.id OR true']],
  ['PH1045', 'of either table', ['--via', 'contacts.user_id = contacts.id']],
  ['PH1045', 'has no column nope', ['--via', 'contacts.user_id = users.nope']],
  ['PH1045', 'is text, and user_id is integer', ['--via', 'contacts.user_id = users.name']],
  ['PH1007', 'no table', ['--to-table', 'nowhere']],
])('bad input is refused before anything is written: %s %s', async (code, words, flags) => {
  await database.sql(TABLES);
  const before = project.files();
  const { json } = await move(...VIA, ...(flags as string[]));
  expect({ code: json.error.code, text: JSON.stringify(json.error) }).toEqual({
    code,
    text: expect.stringMatching(new RegExp(words as string, 'i')),
  });
  expect(project.files()).toEqual(before);
});

test('a value without a row to go to is refused, at the end of its transaction', async () => {
  await database.sql(`${TABLES}; INSERT INTO users VALUES (7, 'No', 'no@row')`);
  const refused = await move(...VIA);
  expect(refused.json.error).toMatchObject({ code: 'PH2033', details: { rows: 1, examples: ['id 7'] } });
  await database.sql('DELETE FROM users WHERE id = 7');
  expect((await move(...VIA)).code).toBe(0);
  await cutAll();
  await deploy(R1);
  await expect(database.sql("INSERT INTO users VALUES (8, 'Eve', 'e@e')")).rejects.toThrow(
    'has no row of contacts to go to',
  );
  await database.sql(
    "BEGIN; INSERT INTO users VALUES (8, 'Eve', 'e@e'); INSERT INTO contacts (user_id) VALUES (8); COMMIT",
  );
  await database.sql("INSERT INTO users VALUES (9, 'None', NULL)");
  expect((await both()).slice(-2)).toEqual([
    { id: 8, old: 'e@e', new: 'e@e' },
    { id: 9, old: null, new: null },
  ]);
});

test('values that wait for their rows hold the second phase', async () => {
  await database.sql(`${TABLES}; INSERT INTO users VALUES (7, 'No', 'no@row')`);
  expect((await move(...VIA, '--missing', 'skip')).code).toBe(0);
  await cutAll();
  await deploy(R1);
  const refused = await project.phase('migrate', '--release', R2, '--maintenance', '--json');
  expect(refused.json.error).toMatchObject({ code: 'PH2033', details: { rows: 1, examples: ['id 7'] } });
  await database.sql('INSERT INTO contacts (user_id) VALUES (7)');
  await deploy(R2);
  expect((await both()).at(-1)).toEqual({ id: 7, old: 'no@row', new: 'no@row' });
});

test('rows to go to are made, by the backfill and by the sync', async () => {
  await database.sql(`${TABLES}; INSERT INTO users SELECT n, 'x', 'x' || n FROM generate_series(10, 40) AS n`);
  expect((await move(...VIA, '--missing', 'create')).code).toBe(0);
  await cutAll();
  await deploy(R1);
  await database.sql("INSERT INTO users VALUES (50, 'New', 'new@new')");
  await deploy(R2);
  expect(
    await database.sql(
      'SELECT count(*)::int AS rows FROM contacts c JOIN users u ON u.id = c.user_id AND u.email = c.email WHERE u.id >= 10',
    ),
  ).toEqual([{ rows: 32 }]);
  await deploy(R3);
});

test('several rows may share one, once they hold one value', async () => {
  await database.sql(`CREATE TABLE accounts (id int PRIMARY KEY); INSERT INTO accounts VALUES (1), (2);
    CREATE TABLE users (id int PRIMARY KEY, account int REFERENCES accounts, plan text);
    INSERT INTO users VALUES (1, 1, 'free'), (2, 1, 'paid'), (3, 2, 'free'), (4, NULL, NULL)`);
  const scaffold = () =>
    project.phase(
      ...[
        'new',
        'move-column',
        '--table',
        'users',
        '--column',
        'plan',
        '--to-table',
        'accounts',
        '--via',
        'accounts.id = users.account',
      ],
      ...[...RELEASES, '--yes', '--json'],
    );
  expect((await scaffold()).json.error).toMatchObject({
    code: 'PH2034',
    details: { rows: 1, examples: ['account 1: free, paid'] },
  });
  await database.sql("UPDATE users SET plan = 'paid' WHERE account = 1");
  expect((await scaffold()).json.warnings.map(({ code }: { code: string }) => code)).toContain('one_value_for_several');
  await cutAll();
  await deploy(R1);
  await database.sql("UPDATE users SET plan = 'gold' WHERE id = 2; INSERT INTO users VALUES (5, 2, NULL)");
  expect(
    await database.sql(
      'SELECT u.id, u.plan, a.plan AS new FROM users u LEFT JOIN accounts a ON a.id = u.account ORDER BY 1',
    ),
  ).toEqual([
    { id: 1, plan: 'gold', new: 'gold' },
    { id: 2, plan: 'gold', new: 'gold' },
    { id: 3, plan: 'free', new: 'free' },
    { id: 4, plan: null, new: null },
    { id: 5, plan: 'free', new: 'free' },
  ]);
  for (const release of [R2, R3]) await deploy(release);
});

test.each([
  ['needs', 'n text NOT NULL', 'column n, which is NOT NULL and has no default'],
  ['needs', 'n filled', 'column n, which is NOT NULL and has no default'],
  ['needs', "n filled DEFAULT 'x'", null],
  ['needs', 'n text NOT NULL DEFAULT 1', null],
  ['needs', 'n int GENERATED ALWAYS AS IDENTITY', null],
  ['takes', 'k int GENERATED ALWAYS AS IDENTITY UNIQUE', 'column k, which the database fills itself'],
  ['takes', 'k int GENERATED ALWAYS AS (user_id) STORED UNIQUE', 'column k, which the database fills itself'],
  ['takes', 'k int UNIQUE', null],
])('rows are made only where they can be: %s %s', async (kind, column, object) => {
  await database.sql(`${TABLES}; DELETE FROM contacts; CREATE DOMAIN filled AS text NOT NULL`);
  await database.sql(`ALTER TABLE contacts ADD COLUMN ${column}`);
  if (kind === 'takes') await database.sql('ALTER TABLE contacts ALTER COLUMN user_id SET DEFAULT 0');
  const via = kind === 'takes' ? ['--via', 'contacts.k = users.id'] : VIA;
  const { json } = await move(...via, '--missing', 'create');
  expect(json.error?.code ?? null).toBe(object === null ? null : 'PH2001');
  if (object !== null) expect(json.error.message).toContain(object);
});

test('a column of a domain that is NOT NULL is refused before anything is written', async () => {
  await database.sql(`${TABLES}; CREATE DOMAIN filled AS text NOT NULL; CREATE DOMAIN twice AS filled;
    DELETE FROM users WHERE email IS NULL; ALTER TABLE users ALTER COLUMN email TYPE twice`);
  expect((await move(...VIA)).json.error).toMatchObject({
    code: 'PH2001',
    message: expect.stringContaining('a domain'),
  });
});

test('a row that somebody holds is waited for shortly, noted, and brought into step by the next command', async () => {
  await database.sql(TABLES);
  await move(...VIA);
  await cutAll();
  await deploy(R1);
  const other = new pg.Client(database.url);
  await other.connect();
  await other.query("BEGIN; UPDATE contacts SET phone = 'held' WHERE user_id = 1");
  await database.sql("UPDATE users SET email = 'meanwhile' WHERE id = 1");
  expect((await project.json('status', '--count')).changes[0].mismatches).toBe(1);
  await other.query('COMMIT');
  expect((await both())[0]).toEqual({ id: 1, old: 'meanwhile', new: 'ann@a' });
  await other.query("BEGIN; UPDATE users SET name = 'held' WHERE id = 2");
  await database.sql("UPDATE contacts SET email = 'there' WHERE user_id = 2");
  await other.query('COMMIT');
  await other.end();
  await deploy(R2);
  expect((await both()).slice(0, 2)).toEqual([
    { id: 1, old: 'meanwhile', new: 'meanwhile' },
    { id: 2, old: 'there', new: 'there' },
  ]);
});

test('whoever writes one table has to be allowed to write the other', async () => {
  await database.sql(TABLES);
  const { name } = await database.role();
  await database.sql(`GRANT SELECT, UPDATE ON users TO ${name}`);
  const refused = await move(...VIA);
  expect(refused.json.error).toMatchObject({
    code: 'PH2020',
    remedy: expect.stringContaining(`GRANT UPDATE ON "public"."contacts" TO ${name}`),
  });
  await database.sql(`GRANT SELECT, UPDATE ON contacts TO ${name}`);
  // What this one may write fires no trigger.
  const { name: other } = await database.role();
  await database.sql(`GRANT SELECT, UPDATE (name) ON users TO ${other}`);
  expect((await move(...VIA)).code).toBe(0);
  await cutAll();
  await deploy(R1);
  await database.sql(`SET ROLE ${name}; UPDATE users SET email = 'as a role' WHERE id = 1; RESET ROLE`);
  expect((await both())[0]).toEqual({ id: 1, old: 'as a role', new: 'as a role' });
  await database.sql(`SET ROLE ${other}; UPDATE users SET name = 'as another' WHERE id = 1; RESET ROLE`);
  await database.sql(`DROP OWNED BY ${name}, ${other}`);
});

test('what hangs on the old column goes with it by name, and comes back; NOT NULL until the second phase', async () => {
  await database.sql(`${TABLES}; UPDATE users SET email = 'cy' WHERE email IS NULL; ALTER TABLE users ALTER COLUMN email SET NOT NULL;
    CREATE UNIQUE INDEX by_email ON users (lower(email)); CREATE VIEW addresses AS SELECT email FROM users`);
  expect((await move(...VIA)).json.error).toMatchObject({ code: 'PH2001', details: { objects: { length: 2 } } });
  expect((await move(...VIA, '--drop', 'by_email', '--drop', 'addresses')).code).toBe(0);
  await cutAll();
  for (const release of [R1, R2]) await deploy(release);
  await database.sql('UPDATE contacts SET email = NULL WHERE user_id = 3');
  expect((await project.phase('rollback', '--json')).json.error).toMatchObject({ code: 'PH2011' });
  await database.sql("UPDATE contacts SET email = 'again' WHERE user_id = 3");
  await deploy(R3);
  for (let step = 0; step < 5; step++) await project.json('rollback');
  expect(await database.sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'by_email'")).toHaveLength(1);
  expect(
    await database.sql("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'email'"),
  ).toEqual([{ attnotnull: true }]);
  expect(await database.sql('SELECT email FROM addresses ORDER BY 1')).toHaveLength(3);
});

test('two moves between the same tables follow each other, in either direction', async () => {
  await database.sql(TABLES);
  await move(...VIA);
  const back = await project.phase(
    ...[
      'new',
      'move-column',
      '--table',
      'contacts',
      '--column',
      'phone',
      '--to-table',
      'users',
      '--via',
      'users.id = contacts.user_id',
    ],
    ...[...RELEASES, '--yes', '--json'],
  );
  expect(back.json.error).toMatchObject({ code: 'PH2002' });
});

test('what was altered by hand on either table is refused with the way back', async () => {
  await database.sql(TABLES);
  await move(...VIA);
  await cutAll();
  await deploy(R1);
  await database.sql('ALTER TABLE contacts RENAME COLUMN user_id TO owner');
  expect((await project.json('status')).changes[0].altered).toEqual([
    expect.stringContaining('owner is what user_id was'),
  ]);
  const refused = await project.phase('migrate', '--release', R2, '--maintenance', '--json');
  expect(refused.json.error).toMatchObject({ code: 'PH2018', remedy: expect.stringContaining('RENAME COLUMN') });
});

test('a data migration that sets the column while triggers are quiet writes the other table, too', async () => {
  await database.sql(TABLES);
  await move(...VIA);
  await project.json('new', 'data', 'shout', '--release', R2);
  const [path = ''] = Object.keys(project.files()).filter((file) => file.endsWith('_shout.ts'));
  project.write(
    path,
    `export const config = { transaction: false, safeToRepeat: true };
export async function up(_knex: unknown, { backfill }: any): Promise<void> {
  await backfill({ table: 'users', set: { email: 'upper(email)' }, where: 'email <> upper(email)', exact: true });
}
export async function down(): Promise<void> {}
`,
  );
  await project.json('hash', '--no-replay');
  await cutAll();
  for (const release of [R1, R2]) await deploy(release);
  expect((await both())[0]).toEqual({ id: 1, old: 'ANN@A', new: 'ANN@A' });
});

test('a statement that inserts both rows keeps the value that it gives', async () => {
  await database.sql(`${TABLES}; ALTER TABLE users ALTER COLUMN email SET DEFAULT 'none'`);
  expect((await move(...VIA, '--missing', 'create')).code).toBe(0);
  await cutAll();
  for (const release of [R1, R2]) {
    await deploy(release);
    const id = release === R1 ? 11 : 12;
    await database.sql(`WITH u AS (INSERT INTO users (id, name) VALUES (${id}, 'Both') RETURNING id)
      INSERT INTO contacts (user_id, email) SELECT id, 'given' FROM u`);
    expect((await both()).at(-1)).toEqual({ id, old: 'given', new: 'given' });
  }
  expect((await project.json('status')).changes).toMatchObject([{ stragglers: 0 }]);
});

test.each([
  [
    'the value with the one',
    "INSERT INTO users VALUES (21, 'x', 'here')",
    'INSERT INTO contacts (user_id) VALUES (21)',
    'here',
  ],
  [
    'the value with the other',
    "INSERT INTO users VALUES (21, 'x')",
    "INSERT INTO contacts (user_id, email) VALUES (21, 'there')",
    'there',
  ],
])('two clients that insert both rows at once end with one value: %s', async (_, ofUser, ofContact, value) => {
  await database.sql(`${TABLES}; ALTER TABLE contacts DROP CONSTRAINT contacts_user_id_fkey`);
  expect((await move(...VIA, '--missing', 'skip')).code).toBe(0);
  await cutAll();
  for (const release of [R1, R2]) await deploy(release);
  const other = new pg.Client(database.url);
  await other.connect();
  await other.query('BEGIN');
  await other.query(ofContact);
  await database.sql(ofUser);
  await other.query('COMMIT');
  await database.sql('DELETE FROM users WHERE id = 21; DELETE FROM contacts WHERE user_id = 21');
  await other.query('BEGIN');
  await other.query(ofUser);
  await database.sql(ofContact);
  await other.query('COMMIT');
  await other.end();
  await project.json('status', '--count');
  expect((await both()).at(-1)).toEqual({ id: 21, old: value, new: value });
});

/** Another client, whose statements run in a transaction that is still open when `work` runs. */
async function whileHeld(sql: string, work: () => Promise<unknown>): Promise<void> {
  const other = new pg.Client(database.url);
  await other.connect();
  await other.query(`BEGIN; ${sql}`);
  await work();
  await other.query('COMMIT');
  await other.end();
}

const GROUPS = `CREATE TABLE companies (id int PRIMARY KEY, name text);
  CREATE TABLE users (id int PRIMARY KEY, company_id int, name text, site text);
  INSERT INTO companies SELECT n, 'n' || n FROM generate_series(1, 5) AS n;
  INSERT INTO users SELECT n, 1 + n % 5, 'n' || n, 's' || (1 + n % 5) FROM generate_series(1, 10) AS n`;
const moveSite = (...flags: string[]) =>
  project.json(
    ...['new', 'move-column', '--table', 'users', '--column', 'site', '--to-table', 'companies', ...RELEASES],
    ...['--via', 'companies.id = users.company_id', ...flags, '--yes'],
  );
const sites = (company: number): Promise<{ id: number; old: string | null; new: string | null }[]> =>
  database.sql(
    `SELECT u.id, u.site AS old, c.site AS new FROM users u LEFT JOIN companies c ON c.id = u.company_id WHERE u.company_id = ${company} ORDER BY 1`,
  );

test('rows that belong to none are never noted, however many write them', async () => {
  await database.sql(`${GROUPS}; INSERT INTO users VALUES (21, NULL, 'a', NULL), (22, NULL, 'b', NULL)`);
  await moveSite('--missing', 'skip');
  await cutAll();
  await deploy(R1);
  await whileHeld("UPDATE users SET site = 'a' WHERE id = 21", () =>
    database.sql(`UPDATE users SET site = 'b' WHERE id = 22;
      SELECT phase.unsettled_users_site_to_companies_site('target', NULL)`),
  );
  expect(await database.sql('SELECT FROM phase.unsettled_users_site_to_companies_site')).toEqual([]);
  expect((await project.json('status', '--count')).changes[0].mismatches).toBe(0);
  expect(await database.sql('SELECT site FROM users WHERE id > 20 ORDER BY id')).toEqual([
    { site: 'a' },
    { site: 'b' },
  ]);
});

test('a row that comes to a group takes its value, before that is filled and while the other row is held', async () => {
  await database.sql(GROUPS);
  await moveSite();
  await cutAll();
  await deploy(R1);
  await database.sql(`BEGIN; SET LOCAL session_replication_role = replica; UPDATE companies SET site = NULL; COMMIT;
    UPDATE users SET company_id = 3 WHERE id = 1; INSERT INTO users (id, company_id) VALUES (31, 4)`);
  expect(new Set((await sites(3)).map(({ old, new: fresh }) => `${old} ${fresh}`))).toEqual(new Set(['s3 s3']));
  expect(new Set((await sites(4)).map(({ old, new: fresh }) => `${old} ${fresh}`))).toEqual(new Set(['s4 s4']));
  await whileHeld("UPDATE companies SET name = 'held' WHERE id = 5", () =>
    database.sql('UPDATE users SET company_id = 5 WHERE id = 31; INSERT INTO users (id, company_id) VALUES (32, 5)'),
  );
  await project.json('status', '--count');
  expect(await sites(5)).toHaveLength(4);
  expect(new Set((await sites(5)).map(({ old }) => old))).toEqual(new Set(['s5']));
  await database.sql("UPDATE companies SET site = 's' || id");
  await deploy(R2);
  await whileHeld("UPDATE companies SET name = 'held' WHERE id = 2", () =>
    database.sql('UPDATE users SET company_id = 2 WHERE id = 31'),
  );
  await project.json('status', '--count');
  expect(new Set((await sites(2)).map(({ old, new: fresh }) => `${old} ${fresh}`))).toEqual(new Set(['s2 s2']));
});

test('a note that somebody makes by hand empties nothing that is not filled yet, or has no row to go to', async () => {
  await database.sql(`${TABLES}; DELETE FROM contacts WHERE user_id = 2`);
  await move(...VIA, '--missing', 'skip');
  await cutAll();
  await deploy(R1);
  await database.sql(`BEGIN; SET LOCAL session_replication_role = replica; UPDATE contacts SET email = NULL; COMMIT;
    SELECT phase.unsettled_users_email_to_contacts_email(side, id) FROM unnest(ARRAY['target', 'gone', 'either', 'what']) AS side, users`);
  expect((await project.json('status', '--count')).changes[0].mismatches).toBe(0);
  expect(await both()).toEqual([
    { id: 1, old: 'ann@a', new: 'ann@a' },
    { id: 2, old: 'bo@b', new: null },
    { id: 3, old: null, new: null },
  ]);
});

test('groups without a row to go to hold one value, too', async () => {
  await database.sql(`${GROUPS}; INSERT INTO users VALUES (21, 9, 'a', 'x'), (22, 9, 'b', 'y')`);
  for (const missing of ['create', 'skip']) await expect(moveSite('--missing', missing)).rejects.toThrow('PH2034');
});

test('an upsert does what it says', async () => {
  await database.sql(TABLES);
  await move(...VIA);
  await cutAll();
  for (const release of [R1, R2]) {
    await deploy(release);
    const upserted = await database.sql(`INSERT INTO contacts (user_id, email) VALUES (1, 'up')
      ON CONFLICT (user_id) DO UPDATE SET email = EXCLUDED.email RETURNING email`);
    expect(upserted).toEqual([{ email: 'up' }]);
    await database.sql(`INSERT INTO users (id, email) VALUES (2, NULL) ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email;
      INSERT INTO contacts (user_id, email) VALUES (3, NULL) ON CONFLICT (user_id) DO UPDATE SET email = EXCLUDED.email`);
    expect(await both()).toEqual([
      { id: 1, old: 'up', new: 'up' },
      { id: 2, old: null, new: null },
      { id: 3, old: null, new: null },
    ]);
    await database.sql("UPDATE users SET email = 'again' || id");
  }
});

test('what triggers of the other table make of a value comes back', async () => {
  await database.sql(`${TABLES}; CREATE FUNCTION lowered() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.email := lower(NEW.email); RETURN NEW; END';
    CREATE TRIGGER lowered BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION lowered()`);
  await move(...VIA);
  await cutAll();
  for (const release of [R1, R2]) {
    await deploy(release);
    await database.sql(`UPDATE contacts SET email = 'ABC' || user_id || '${release}'`);
    expect((await both())[0]).toEqual({ id: 1, old: `abc1${release}`, new: `abc1${release}` });
  }
  await database.sql(`DROP TRIGGER lowered ON users; CREATE TRIGGER lowered BEFORE INSERT OR UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION lowered();
    UPDATE users SET email = 'XYZ' WHERE id = 1`);
  expect((await both())[0]).toEqual({ id: 1, old: 'xyz', new: 'xyz' });
});

test('a noted row that is gone takes nothing with it in phase 1, and the value in phase 2', async () => {
  await database.sql(TABLES);
  await move(...VIA, '--missing', 'skip');
  await cutAll();
  await deploy(R1);
  await whileHeld("UPDATE users SET name = 'held' WHERE id = 1", () =>
    database.sql("UPDATE contacts SET email = 'x' WHERE user_id = 1"),
  );
  await database.sql('DELETE FROM contacts WHERE user_id = 1');
  await project.json('status', '--count');
  expect((await both())[0]).toEqual({ id: 1, old: 'ann@a', new: null });
  await database.sql("INSERT INTO contacts (user_id, phone) VALUES (1, '1')");
  await deploy(R2);
  await database.sql("INSERT INTO users VALUES (5, 'Ed', NULL)");
  await whileHeld("UPDATE users SET name = 'held' WHERE id IN (1, 2)", () =>
    database.sql('DELETE FROM contacts WHERE user_id = 1; UPDATE contacts SET user_id = 5 WHERE user_id = 2'),
  );
  await project.json('status', '--count');
  expect(await both()).toEqual([
    { id: 1, old: null, new: null },
    { id: 2, old: null, new: null },
    { id: 3, old: null, new: null },
    { id: 5, old: 'bo@b', new: 'bo@b' },
  ]);
});

test('a key that a foreign key takes away leaves no value behind in phase 2', async () => {
  await database.sql(
    `${GROUPS}; ALTER TABLE users ADD FOREIGN KEY (company_id) REFERENCES companies ON DELETE SET NULL`,
  );
  await moveSite();
  await cutAll();
  await deploy(R1);
  await expect(database.sql('DELETE FROM companies WHERE id = 3')).rejects.toThrow('has no row of companies to go to');
  await deploy(R2);
  await database.sql('DELETE FROM companies WHERE id = 3');
  expect(await database.sql('SELECT site FROM users WHERE company_id IS NULL')).toEqual([
    { site: null },
    { site: null },
  ]);
  await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
});

test('a trigger of the application that deletes the other row first is not refused', async () => {
  await database.sql(`${TABLES}; ALTER TABLE contacts DROP CONSTRAINT contacts_user_id_fkey;
    CREATE FUNCTION with_contacts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM contacts WHERE user_id = OLD.id; RETURN OLD; END';
    CREATE TRIGGER with_contacts BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION with_contacts()`);
  await move(...VIA);
  await cutAll();
  for (const [release, id] of [
    [R1, 1],
    [R2, 2],
  ] as const) {
    await deploy(release);
    await database.sql(`DELETE FROM users WHERE id = ${id}`);
  }
  await database.sql("UPDATE users SET email = 'cy' WHERE id = 3; DELETE FROM contacts WHERE user_id = 3");
  expect(await both()).toEqual([{ id: 3, old: null, new: null }]);
  await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
});

test('what a value comes to is looked for at the end of its transaction, by what the row holds then', async () => {
  await database.sql(GROUPS);
  await moveSite();
  await cutAll();
  await deploy(R1);
  const fine = [
    'UPDATE users SET company_id = 1 WHERE id = 40',
    'UPDATE users SET site = NULL WHERE id = 40',
    'DELETE FROM users WHERE id = 40',
  ];
  for (const then of fine) {
    await database.sql(
      `BEGIN; INSERT INTO users (id, site) VALUES (40, 'orm'); ${then}; COMMIT; DELETE FROM users WHERE id = 40`,
    );
  }
  await expect(database.sql("INSERT INTO users (id, site) VALUES (40, 'orm')")).rejects.toThrow('to go to');
});

test('what one more column breaks is looked for on the table that gets it, and can be acknowledged', async () => {
  await database.sql(TABLES);
  await move(...VIA, '--to', 'mail');
  await cutAll();
  await database.sql(`CREATE TABLE kept_users AS TABLE users; CREATE TABLE kept_contacts AS TABLE contacts;
    CREATE FUNCTION keep_users() RETURNS void LANGUAGE sql AS 'INSERT INTO kept_users SELECT * FROM users';
    CREATE FUNCTION keep_contacts() RETURNS void LANGUAGE sql AS 'INSERT INTO kept_contacts SELECT * FROM contacts'`);
  const refused = await project.phase('migrate', '--release', R1, '--maintenance', '--json');
  const [object] = refused.json.error.details.objects;
  expect(refused.json.error).toMatchObject({ code: 'PH2019', details: { objects: [object] } });
  expect(object).toContain('keep_contacts');
  await project.json('acknowledge', 'users_email_to_contacts_mail', object, '--why', 'unused');
  await deploy(R1);
});

test('what was altered by hand is said also while a key is noted', async () => {
  await database.sql(TABLES);
  await move(...VIA);
  await cutAll();
  await deploy(R1);
  await whileHeld("UPDATE contacts SET phone = 'held' WHERE user_id = 1", () =>
    database.sql("UPDATE users SET email = 'x' WHERE id = 1"),
  );
  await database.sql('ALTER TABLE contacts RENAME user_id TO owner_id');
  const refused = await project.phase('migrate', '--release', R2, '--maintenance', '--json');
  expect(refused.json.error.code).toBe('PH2018');
  await database.sql('ALTER TABLE contacts RENAME owner_id TO user_id');
  await deploy(R2);
  expect((await both())[0]).toEqual({ id: 1, old: 'x', new: 'x' });
});

test.each([
  ['contacts', 'contacts_user_id_key', 'UNIQUE (user_id)'],
  ['users', 'users_pkey', 'PRIMARY KEY (id)'],
])('a gate misses what made the rows of %s one to one, until it is there again', async (table, name, definition) => {
  await database.sql(`${TABLES}; ALTER TABLE contacts DROP CONSTRAINT contacts_user_id_fkey`);
  await move(...VIA);
  await cutAll();
  await deploy(R1);
  await database.sql(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  const refused = await project.phase('migrate', '--release', R2, '--maintenance', '--json');
  expect(refused.json.error).toMatchObject({
    code: 'PH2007',
    message: expect.stringContaining(`of "public"."${table}"`),
  });
  await database.sql(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
  await deploy(R2);
});

test('an old write that had to be noted is a straggler', async () => {
  await database.sql(TABLES);
  await move(...VIA);
  await cutAll();
  await deploy(R1);
  await deploy(R2);
  await whileHeld("UPDATE contacts SET phone = 'held' WHERE user_id = 1", () =>
    database.sql("UPDATE users SET email = 'strag' WHERE id = 1"),
  );
  const { json } = await project.phase('migrate', '--release', R3, '--maintenance', '--json');
  expect(json.error.code).toBe('PH2006');
});

test('a statement that writes both sides leaves one value, and so does a trigger that goes on', async () => {
  await database.sql(`${TABLES}; CREATE FUNCTION lowered() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
      IF NEW.email <> lower(NEW.email) THEN UPDATE users SET email = lower(email) WHERE id = NEW.id; END IF; RETURN NULL; END';
    CREATE TRIGGER lowered AFTER INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION lowered()`);
  await move(...VIA);
  await cutAll();
  for (const release of [R1, R2]) {
    await deploy(release);
    await database.sql(`WITH one AS (UPDATE users SET email = 's${release}' WHERE id = 1) UPDATE contacts SET email = 't' WHERE user_id = 1;
      WITH one AS (UPDATE contacts SET email = 't${release}' WHERE user_id = 2) UPDATE users SET email = 's' WHERE id = 2;
      UPDATE users SET email = 'ABC' WHERE id = 3`);
    const rows = (await both()) as { old: string; new: string }[];
    expect(rows.map(({ old, new: fresh }) => old === fresh)).toEqual([true, true, true]);
    expect(rows[2]?.old).toBe('abc');
  }
});

test('a statement of many rows notes each that somebody holds', async () => {
  await database.sql(`${TABLES}; INSERT INTO users SELECT n, 'x', 'x' FROM generate_series(10, 60) AS n;
    INSERT INTO contacts (user_id) SELECT id FROM users WHERE id >= 10`);
  await move(...VIA);
  await cutAll();
  await deploy(R1);
  const waits = async (): Promise<string> => {
    const other = new pg.Client(database.url);
    await other.connect();
    await other.query("BEGIN; UPDATE contacts SET email = 'y' WHERE user_id >= 10");
    const { rows } = await other.query("SELECT current_setting('triphase.waited') AS waited");
    await other.query('COMMIT');
    await other.end();
    return rows[0].waited;
  };
  await whileHeld("UPDATE users SET name = 'held' WHERE id >= 10", async () => expect(await waits()).toBe('51'));
  await project.json('status', '--count');
  expect(new Set(((await both()) as { old: string }[]).slice(3).map(({ old }) => old))).toEqual(new Set(['y']));
});

test('what hangs on the column is built on the other table where --carry says so, goes with it, and comes back', async () => {
  const schema = `${TABLES}; ALTER TABLE users ADD CONSTRAINT at CHECK (email ~ '@'), ADD CONSTRAINT once UNIQUE (email) DEFERRABLE;
    CREATE INDEX lower_email ON users (lower(email) text_pattern_ops) WHERE email IS NOT NULL; CREATE INDEX with_name ON users (name, email);
    CREATE TABLE known (email text PRIMARY KEY); INSERT INTO known SELECT email FROM users WHERE email IS NOT NULL;
    ALTER TABLE users ADD CONSTRAINT is_known FOREIGN KEY (email) REFERENCES known ON UPDATE CASCADE; CREATE VIEW mails AS SELECT email FROM users`;
  await database.sql(schema);
  const [untouched, wanted] = [await createDatabase(), await createDatabase()];
  try {
    await untouched.sql(schema);
    const named = ['--carry', 'at', '--carry', 'once', '--carry', 'lower_email', '--carry', 'is_known'];
    const refused = await move(...VIA, ...named, '--carry', 'with_name', '--carry', 'mails');
    expect(refused.json.error).toMatchObject({
      code: 'PH2001',
      why: expect.stringContaining('column "name" does not exist'),
    });
    expect(refused.json.error.message).toContain('"mails"');
    expect((await move(...VIA, ...named, '--drop', 'with_name', '--drop', 'mails')).code).toBe(0);
    await cutAll();
    await deploy(R1);
    await deploy(R2);
    await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
    await wanted.sql(`${TABLES}; CREATE TABLE known (email text PRIMARY KEY); INSERT INTO known SELECT email FROM users WHERE email IS NOT NULL;
      ALTER TABLE contacts ADD COLUMN email text; UPDATE contacts SET email = u.email FROM users u WHERE u.id = user_id; ALTER TABLE users DROP COLUMN email;
      ALTER TABLE contacts ADD CONSTRAINT at CHECK (email ~ '@'), ADD CONSTRAINT once_of_contacts UNIQUE (email) DEFERRABLE, ADD CONSTRAINT is_known FOREIGN KEY (email) REFERENCES known ON UPDATE CASCADE;
      CREATE INDEX lower_email_of_contacts ON contacts (lower(email) text_pattern_ops) WHERE email IS NOT NULL`);
    await expectSameCatalogue(database, wanted);
    await project.json('rollback', '--steps', '6');
    await expectSameCatalogue(database, untouched);
    await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
    await expectSameCatalogue(database, wanted);
  } finally {
    await Promise.all([untouched.drop(), wanted.drop()]);
  }
});
