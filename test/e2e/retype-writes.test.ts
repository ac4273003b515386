import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { withRenames } from '../../src/app/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differencesOf, fingerprint } from '../support/fingerprint.ts';
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

const RELEASES = ['--releases', `${R1},${R2},${R3}`];

/** Scaffolds the change of `items.c`. */
async function retype(
  to: string,
  ...flags: string[]
): Promise<{ kind: string; files: { path: string }[]; warnings: { code: string }[] }> {
  return project.json(
    'new',
    'retype-column',
    '--table',
    'items',
    '--column',
    'c',
    '--to-type',
    to,
    ...RELEASES,
    ...flags,
    '--yes',
  );
}

async function cutAll(): Promise<void> {
  for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
}

const deploy = (release: string, ...flags: string[]) => project.json('migrate', '--release', release, ...flags);
const rows = (): Promise<object[]> => database.sql('SELECT id, c, c_triphase FROM items ORDER BY id');
const failing = (sql: string): Promise<string> =>
  database.sql(sql).then(
    () => '',
    (error: Error) => error.message,
  );

test('a write that has no value of the new type is refused with the name of the change; every other write reaches it', async () => {
  await database.sql(
    "CREATE TABLE items (id int PRIMARY KEY, c text, more text); INSERT INTO items VALUES (1, '1'), (2, NULL)",
  );
  const { warnings } = await retype('integer', '--using', 'c::integer');
  expect(warnings.map(({ code }) => code)).toEqual(expect.arrayContaining(['writes_may_be_refused']));
  await cutAll();
  await deploy(R1);
  expect(await failing("INSERT INTO items VALUES (3, 'three')")).toMatch(
    /^c cannot become integer, as items_c_to_integer makes of text: invalid input syntax/,
  );
  await database.sql(
    "INSERT INTO items VALUES (3, ' 3 '); UPDATE items SET c = '20', more = 'x' WHERE id = 2; UPDATE items SET more = 'y'",
  );
  expect(await rows()).toEqual([
    { id: 1, c: '1', c_triphase: 1 },
    { id: 2, c: '20', c_triphase: 20 },
    { id: 3, c: ' 3 ', c_triphase: 3 },
  ]);
  await deploy(R2, '--maintenance');
  await database.sql(
    'INSERT INTO items (id, c) VALUES (4, 4); UPDATE items SET c = 30 WHERE id = 3; UPDATE items SET more = id::text',
  );
  expect(await rows()).toEqual([
    { id: 1, c: 1, c_triphase: '1' },
    { id: 2, c: 20, c_triphase: '20' },
    { id: 3, c: 30, c_triphase: '30' },
    { id: 4, c: 4, c_triphase: '4' },
  ]);
});

test('a row that a statement only moves before the backfill has come to it is filled, too', async () => {
  await database.sql(
    "CREATE TABLE items (id int PRIMARY KEY, c text, more text); INSERT INTO items VALUES (1, '1'), (2, '2')",
  );
  await retype('integer', '--using', 'c::integer');
  await cutAll();
  await deploy(R1);
  await database.sql("UPDATE items SET c_triphase = NULL WHERE id = 1; UPDATE items SET more = 'moved'");
  expect(await rows()).toEqual([
    { id: 1, c: '1', c_triphase: 1 },
    { id: 2, c: '2', c_triphase: 2 },
  ]);
});

test('what a trigger of the application makes of the value reaches the new column, whatever the statement names', async () => {
  await database.sql(`CREATE TABLE items (id int PRIMARY KEY, c text, n int NOT NULL DEFAULT 0); INSERT INTO items VALUES (1, '1');
    CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.c := (coalesce(NEW.c, '0')::int + 1)::text; RETURN NEW; END $$;
    CREATE TRIGGER zzz_bump BEFORE INSERT OR UPDATE OF n ON items FOR EACH ROW EXECUTE FUNCTION bump();`);
  await retype('integer', '--using', 'c::integer');
  await cutAll();
  await deploy(R1);
  await database.sql('UPDATE items SET n = 5; INSERT INTO items (id) VALUES (2)');
  expect(await rows()).toEqual([
    { id: 1, c: '2', c_triphase: 2 },
    { id: 2, c: '1', c_triphase: 1 },
  ]);
});

test('rows of production that do not convert are counted before anything runs, and mended', async () => {
  await database.sql('CREATE TABLE items (id int PRIMARY KEY, c text)');
  await retype('integer', '--using', 'c::integer');
  await cutAll();
  await database.sql("INSERT INTO items VALUES (1, '1'), (7, 'seven'), (8, '99999999999')");
  const refused = await project.phase('migrate', '--release', R1, '--json');
  expect([refused.code, refused.json.error.code, refused.json.error.details.rows]).toEqual([4, 'PH2032', 2]);
  expect(refused.json.error.message).toContain('7: invalid input syntax');
  expect(await database.sql("SELECT FROM pg_attribute WHERE attname = 'c_triphase'")).toEqual([]);
  await database.sql("UPDATE items SET c = id::text WHERE c !~ '^\\d{1,9}$'");
  await deploy(R1);
  // The same is said while it is scaffolded.
  await database.sql("CREATE TABLE other (id int PRIMARY KEY, c text); INSERT INTO other VALUES (1, 'x')");
  const flags = ['--table', 'other', '--column', 'c', '--to-type', 'integer', '--using', 'c::integer'];
  const early = await project.phase(
    'new',
    'retype-column',
    ...flags,
    '--releases',
    '2.0.0,2.1.0,2.2.0',
    '--yes',
    '--json',
  );
  expect([early.code, early.json.error.code]).toEqual([4, 'PH2032']);
});

test('what the new type alone holds ends the way back, and says which rows it is', async () => {
  await database.sql('CREATE TABLE items (id int PRIMARY KEY, c int NOT NULL UNIQUE); INSERT INTO items VALUES (1, 1)');
  await retype('bigint');
  await cutAll();
  await deploy(R2, '--maintenance');
  await database.sql('INSERT INTO items (id, c) VALUES (2, 3000000000)');
  expect(await rows()).toEqual([
    { id: 1, c: '1', c_triphase: 1 },
    { id: 2, c: '3000000000', c_triphase: null },
  ]);
  const refused = await project.phase('rollback', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2011']);
  expect(refused.json.error.why).toContain('One row holds in c what integer cannot');
  await database.sql('UPDATE items SET c = 3 WHERE id = 2');
  await project.json('rollback');
  expect(await rows()).toEqual([
    { id: 1, c: 1, c_triphase: '1' },
    { id: 2, c: 3, c_triphase: '3' },
  ]);
  expect(await failing('INSERT INTO items VALUES (3, 3)')).toContain('items_c_key');
  await deploy(R3, '--maintenance');
  expect(await failing('INSERT INTO items VALUES (3, 3)')).toContain('items_c_key');
});

test('a statement that names no columns gives the value to the column in the same place, and it is not lost', async () => {
  await database.sql('CREATE TABLE items (id int PRIMARY KEY, c int NOT NULL DEFAULT 5 UNIQUE, more text)');
  await retype('bigint');
  await cutAll();
  await deploy(R2, '--maintenance');
  await database.sql("INSERT INTO items VALUES (1, 41, 'x'), (2, DEFAULT, 'y')");
  await database.sql("INSERT INTO items (id, more) VALUES (3, 'z')").catch(() => undefined);
  expect(await rows()).toEqual([
    { id: 1, c: '41', c_triphase: 41 },
    { id: 2, c: '5', c_triphase: 5 },
  ]);
});

test('what PostgreSQL changes without reading a row is one plain migration', async () => {
  await database.sql(
    "CREATE TABLE items (id int PRIMARY KEY, c varchar(10)); CREATE INDEX ON items (c); INSERT INTO items VALUES (1, 'a')",
  );
  const { kind, files } = await retype('varchar(20)');
  expect(kind).toBe('plain');
  expect(files.map(({ path }) => path)).toEqual([
    expect.stringMatching(/_items_c_to_\w+\.sql$/),
    'db/releases/1.1.0.yml',
  ]);
  await project.json('release', 'cut', R1);
  await deploy(R1);
  await database.sql("INSERT INTO items VALUES (2, 'fifteen letters')");
  // A check is read anew, and a view would have to go.
  await database.sql("CREATE TABLE checked (id int PRIMARY KEY, c varchar(10) CHECK (c <> ''))");
  const flags = ['--table', 'checked', '--column', 'c', '--to-type', 'varchar(20)', '--releases', '2.0.0,2.1.0,2.2.0'];
  expect(await project.json('new', 'retype-column', ...flags, '--yes')).toMatchObject({ kind: 'retype' });
});

test('the exchange waits for the releases that know the old type alone, but where they know both', async () => {
  await database.sql('CREATE TABLE items (id int PRIMARY KEY, c int)');
  await retype('bigint');
  await cutAll();
  await deploy(R1);
  await project.json('finish');
  const { held } = await deploy(R2);
  expect(held).toEqual([expect.stringContaining('phase_2_switch')]);
  expect(await rows()).toEqual([]);
  await project.json('finish');
  expect((await project.json('status')).changes).toMatchObject([
    { kind: 'retype', types: ['integer', 'bigint'], phase: 2 },
  ]);
});

test('--tolerated: nothing is held', async () => {
  await database.sql('CREATE TABLE items (id int PRIMARY KEY, c int)');
  await retype('bigint', '--tolerated');
  await cutAll();
  await deploy(R1);
  await project.json('finish');
  expect(await deploy(R2)).toMatchObject({ held: [] });
});

test('in between, what is altered is followed or refused: an index gets its counterpart, NULL is allowed on both, another type is not', async () => {
  await database.sql(
    'CREATE TABLE items (id int PRIMARY KEY, c int NOT NULL, other int); INSERT INTO items VALUES (1, 1)',
  );
  await retype('bigint');
  const { files } = await project.json('new', 'schema', 'later', '--sql', '--release', R1);
  project.write(
    files[0],
    'ALTER TABLE items ALTER COLUMN c DROP NOT NULL; CREATE INDEX items_other_c ON items (other, c);\n-- phase:down\n',
  );
  await project.json('hash');
  await cutAll();
  await deploy(R1);
  await database.sql('INSERT INTO items VALUES (2, NULL)');
  const indexes = await database.sql("SELECT indexname FROM pg_indexes WHERE tablename = 'items' ORDER BY 1");
  expect(indexes.map(({ indexname }) => indexname)).toContain('items_other_c_triphase');
  await deploy(R2, '--maintenance');
  expect(await database.sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'items_other_c'")).toMatchObject([
    { indexdef: expect.stringContaining('(other, c)') },
  ]);
  await database.sql('ALTER TABLE items DISABLE TRIGGER USER; ALTER TABLE items DROP COLUMN c_triphase CASCADE');
  const refused = await project.phase('migrate', '--release', R3, '--maintenance', '--json');
  expect(refused.json.error.code).toBe('PH2018');
});

test('an application with triphase/app never sees the column of our own, before and after the exchange', async () => {
  await database.sql('CREATE TABLE items (id int PRIMARY KEY, c int); INSERT INTO items VALUES (1, 1)');
  await retype('bigint');
  await cutAll();
  await deploy(R1);
  const pool = new pg.Pool({ connectionString: database.url });
  const warnings: string[] = [];
  await withRenames(pool, { root: project.root, release: R1, onDeprecation: (message) => warnings.push(message) });
  const read = async () => (await pool.query('SELECT * FROM items')).rows.map((row) => ({ ...row }));
  expect(await read()).toEqual([{ id: 1, c: 1 }]);
  await deploy(R2, '--maintenance');
  expect(await read()).toEqual([{ id: 1, c: '1' }]);
  await pool.query('UPDATE items SET c = 2');
  expect(warnings).toEqual([]);
  await pool.end();
});

test('a key and all that references it, also by way of another key and of its own table, get the type in one change, there and back', async () => {
  const schema = (type: string): string => `
    CREATE TABLE users (id ${type === 'bigint' ? 'bigserial' : 'serial'} PRIMARY KEY, parent ${type} REFERENCES users (id) ON DELETE SET NULL, name text);
    CREATE INDEX users_family ON users (parent, id);
    CREATE TABLE profiles (user_id ${type} PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, motto text);
    CREATE TABLE visits (id int PRIMARY KEY, profile ${type} NOT NULL REFERENCES profiles (user_id), n int, UNIQUE (profile, n));
    CREATE VIEW visited AS SELECT v.id, u.id AS user_id, u.name FROM visits v JOIN users u ON u.id = v.profile;
    INSERT INTO users (parent, name) SELECT nullif(g / 2, 0), 'u' || g FROM generate_series(1, 300) AS g;
    INSERT INTO profiles SELECT id, 'm' FROM users WHERE id % 2 = 0; INSERT INTO visits SELECT g, g * 2, g FROM generate_series(1, 100) AS g;`;
  await database.sql(schema('integer'));
  const flags = [
    '--table',
    'users',
    '--column',
    'id',
    '--to-type',
    'bigint',
    ...RELEASES,
    '--with-references',
    '--yes',
  ];
  await project.json('new', 'retype-column', ...flags);
  await cutAll();
  const before = await fingerprint(database);
  const write = (id: number): Promise<object[]> =>
    database.sql(`WITH made AS (INSERT INTO users (id, parent) VALUES (${id}, 100) RETURNING id)
      INSERT INTO profiles (user_id) SELECT id FROM made; INSERT INTO visits (id, profile) VALUES (${id}, ${id}); DELETE FROM users WHERE id = ${2 * (id - 10_000) + 1}`);
  for (const [at, release] of [R1, R2, R3].entries()) {
    await deploy(release, '--maintenance');
    await write(10_000 + at);
    const { changes } = await project.json('status', '--count');
    expect(changes).toMatchObject(Array.from({ length: 4 }, () => ({ phase: at + 1 })));
  }
  const plain = await createDatabase();
  await plain.sql(schema('bigint'));
  await expectSameCatalogue(database, plain);
  await plain.drop();
  expect(await failing('INSERT INTO profiles (user_id) VALUES (99999)')).toContain('profiles_user_id_fkey');
  await project.json('rollback', '--steps', '100');
  expect(differencesOf(await fingerprint(database), before)).toEqual([]);
  expect(await database.sql('SELECT count(*)::int AS n, count(parent)::int AS p FROM users')).toEqual([
    { n: 300, p: 295 },
  ]);
  await deploy(R3, '--maintenance');
  await database.sql('INSERT INTO users (id, parent) VALUES (3000000000, 2)');
});

test('types that no foreign key joins are refused with the way: all of them in one change', async () => {
  await database.sql(
    'CREATE TABLE items (id int PRIMARY KEY, c uuid UNIQUE DEFAULT gen_random_uuid()); CREATE TABLE parts (id int PRIMARY KEY, item uuid REFERENCES items (c)); INSERT INTO items VALUES (1); INSERT INTO parts SELECT id, c FROM items',
  );
  const flags = ['--table', 'items', '--column', 'c', '--to-type', 'text', '--back', 'c::uuid', ...RELEASES, '--yes'];
  const refused = await project.phase('new', 'retype-column', ...flags, '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2001']);
  expect(refused.json.error.remedy).toContain('--with-references');
  await project.json('new', 'retype-column', ...flags, '--with-references');
  await cutAll();
  for (const release of [R1, R2, R3]) await deploy(release, '--maintenance');
  expect(
    await database.sql('SELECT pg_typeof(p.item)::text AS type FROM parts p JOIN items i ON i.c = p.item'),
  ).toEqual([{ type: 'text' }]);
});

test('what production alone has on the column is carried over all the same, and is there again on the way back', async () => {
  await database.sql('CREATE TABLE items (id int PRIMARY KEY, c int, other int); INSERT INTO items VALUES (1, 1, 1)');
  await retype('bigint');
  await cutAll();
  await deploy(R1);
  await database.sql(`CREATE INDEX items_by_hand ON items (c, other); ALTER TABLE items ADD CONSTRAINT by_hand CHECK (c < 100), ADD CONSTRAINT only_one UNIQUE (c);
    CREATE TABLE others (item int REFERENCES items (c))`);
  const before = await fingerprint(database);
  await deploy(R2, '--maintenance');
  const constraints =
    "SELECT conname AS name, pg_get_constraintdef(oid) AS def FROM pg_constraint WHERE conname IN ('by_hand', 'only_one', 'others_item_fkey') ORDER BY 1";
  expect(await database.sql(constraints)).toEqual([
    { name: 'by_hand', def: 'CHECK ((c < 100))' },
    { name: 'only_one', def: 'UNIQUE (c)' },
    { name: 'others_item_fkey', def: 'FOREIGN KEY (item) REFERENCES items(c)' },
  ]);
  expect(await failing('INSERT INTO items (id, c) VALUES (2, 100)')).toContain('by_hand');
  await project.json('rollback');
  const left = differencesOf(await fingerprint(database), before).filter((line) => !line.includes('_triphase'));
  expect(left).toEqual([]);
  await deploy(R3, '--maintenance');
  expect(await database.sql(constraints)).toHaveLength(3);
});
