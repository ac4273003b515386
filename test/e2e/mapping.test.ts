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

const PEOPLE = `CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL DEFAULT 'New One', note text);
  INSERT INTO people (id, name) VALUES (1, 'Ann Smith'), (2, 'Bob  Jones'), (3, 'Cher'), (4, '')`;
const INTO = [
  ...['--into', "first_name=split_part(name, ' ', 1)"],
  ...['--into', "last_name=substr(name, length(split_part(name, ' ', 1)) + 2)"],
];
const BACK = "CASE WHEN last_name = '' THEN first_name ELSE first_name || ' ' || last_name END";
const RELEASES = ['--releases', `${R1},${R2},${R3}`];

const split = (...flags: string[]) =>
  project.phase(
    ...['new', 'split-column', '--table', 'people', '--from', 'name', ...RELEASES, ...flags, '--yes', '--json'],
  );
const deploy = (release: string) => project.json('migrate', '--release', release, '--maintenance');
const people = () => database.sql('SELECT * FROM people ORDER BY id');
const cutAll = async (): Promise<void> => {
  for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
};

test('a column is split in three phases, there and back', async () => {
  await database.sql(PEOPLE);
  const { code, json } = await split(...INTO, '--back', BACK);
  expect({ code, change: json.change, kind: json.kind }).toEqual({
    code: 0,
    change: 'people_name_to_first_name_last_name',
    kind: 'split',
  });
  await cutAll();
  await deploy(R1);
  expect(await people()).toEqual([
    { id: 1, name: 'Ann Smith', note: null, first_name: 'Ann', last_name: 'Smith' },
    { id: 2, name: 'Bob  Jones', note: null, first_name: 'Bob', last_name: ' Jones' },
    { id: 3, name: 'Cher', note: null, first_name: 'Cher', last_name: '' },
    { id: 4, name: '', note: null, first_name: '', last_name: '' },
  ]);
  await deploy(R2);
  await database.sql(`UPDATE people SET last_name = 'Miller' WHERE id = 1; UPDATE people SET name = 'Bo Derek' WHERE id = 2;
    INSERT INTO people (id, first_name, last_name) VALUES (5, 'Eve', 'Gray'); INSERT INTO people (id, name) VALUES (6, 'Fay Wray'); INSERT INTO people (id) VALUES (7)`);
  const status = await project.json('status', '--count');
  expect(status.changes).toMatchObject([
    { from: 'name', to: 'first_name, last_name', kind: 'split', phase: 2, mismatches: 0, stragglers: 2, altered: [] },
  ]);
  expect((await people()).map(({ name, first_name, last_name }) => [name, first_name, last_name])).toEqual([
    ['Ann Miller', 'Ann', 'Miller'],
    ['Bo Derek', 'Bo', 'Derek'],
    ['Cher', 'Cher', ''],
    ['', '', ''],
    ['Eve Gray', 'Eve', 'Gray'],
    ['Fay Wray', 'Fay', 'Wray'],
    ['New One', 'New', 'One'],
  ]);
  await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
  expect(Object.keys((await people())[0] ?? {})).toEqual(['id', 'note', 'first_name', 'last_name']);
  await project.json('rollback', '--steps', '5');
  expect((await people()).map(({ id, name }) => [id, name])).toEqual([
    [1, 'Ann Miller'],
    [2, 'Bo Derek'],
    [3, 'Cher'],
    [4, ''],
    [5, 'Eve Gray'],
    [6, 'Fay Wray'],
    [7, 'New One'],
  ]);
});

const merge = (...flags: string[]) =>
  project.phase(...['new', 'merge-columns', '--table', 'events', ...RELEASES, ...flags, '--yes', '--json']);
const EVENTS = `CREATE TABLE events (id int PRIMARY KEY, day date NOT NULL, hour time NOT NULL, CONSTRAINT in_order CHECK (day > '1900-01-01'));
  INSERT INTO events VALUES (1, '2026-01-02', '10:00'), (2, '2026-03-04', '23:59:59.5')`;
const AT = [
  ...['--from', 'day', '--from', 'hour', '--to', 'at', '--using', 'day + hour'],
  ...['--back', 'day=at::date', '--back', 'hour=at::time'],
];

test('columns are merged in three phases, and what hung on them comes back with them', async () => {
  await database.sql(`${EVENTS}; CREATE INDEX by_day ON events (day DESC, id); CREATE UNIQUE INDEX once ON events (day, hour) WHERE id > 0;
    CREATE VIEW today AS SELECT id, hour FROM events; CREATE VIEW late AS SELECT id FROM today WHERE hour > '20:00';
    GRANT SELECT ON late TO PUBLIC; CREATE STATISTICS both_of ON day, hour FROM events`);
  const refused = await merge(...AT);
  expect(refused.json.error).toMatchObject({ code: 'PH2001', message: expect.stringContaining('cannot be merged') });
  const names = ['in_order', 'by_day', 'once', 'today', 'late', 'both_of'];
  expect(refused.json.error.details.objects).toHaveLength(names.length);
  const before = await structure();
  expect((await merge(...AT, ...names.flatMap((name) => ['--drop', name]))).code).toBe(0);
  await cutAll();
  for (const release of [R1, R2, R3]) await deploy(release);
  expect(await database.sql('SELECT id, at::text FROM events ORDER BY id')).toEqual([
    { id: 1, at: '2026-01-02 10:00:00' },
    { id: 2, at: '2026-03-04 23:59:59.5' },
  ]);
  expect((await structure()).join('\n')).not.toMatch(/by_day|today|both_of|in_order/);
  for (let step = 0; step < 5; step++) await project.json('rollback');
  expect(await structure()).toEqual(before);
});

/** What the tables' definitions say, by names. */
async function structure(): Promise<string[]> {
  const rows = await database.sql<{ line: string }>(`
    SELECT 'column ' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull::text AS line FROM pg_attribute WHERE attrelid = 'events'::regclass AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'events'::regclass
    UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'events'::regclass AND contype <> 'n'
    UNION ALL SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = 'events'::regclass
    UNION ALL SELECT c.relname || ' ' || pg_get_viewdef(c.oid) || coalesce(c.relacl::text, '') FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = 'events'::regclass
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1`);
  return rows.map(({ line }) => line);
}

test.each([
  ['PH1015', 'each column once', ['--into', 'a=name', '--into', 'a=upper(name)']],
  ['PH1015', 'two columns at least', ['--into', 'a=name']],
  ['PH1015', 'name=expression', ['--into', 'a', '--into', 'b=name']],
  ['PH1009', 'has a column of that name', ['--into', 'note=name', '--into', 'b=name']],
  ['PH1043', 'It holds a subquery', ['--into', 'a=(SELECT name)', '--into', 'b=name']],
  ['PH1043', 'is not immutable', ['--into', 'a=name || random()', '--into', 'b=name']],
  ['PH1043', 'is not immutable', ['--into', "a=name || to_char(now(), 'YYYY')", '--into', 'b=name']],
  ['PH1043', 'It names other', ['--into', 'a=other', '--into', 'b=name']],
  ['PH1043', 'It names note', ['--into', 'a=name || note', '--into', 'b=name']],
  ['PH1043', 'aggregate', ['--into', 'a=max(name)', '--into', 'b=name']],
  ['PH1043', 'pseudo-type record', ['--into', 'a=name, name', '--into', 'b=name']],
  ['PH1043', 'does not exist', ['--into', 'a=nofunction(name)', '--into', 'b=name']],
  ['PH1043', 'date', ['--into', 'a=upper(name)', '--into', 'b=lower(name)', '--back', 'a::date']],
  ['PH2032', 'invalid input syntax', ['--into', 'a=name::int', '--into', 'b=name']],
  ['PH1015', 'hangs on name', ['--into', 'a=name', '--into', 'b=name', '--drop', 'nothing']],
])('bad input is refused before anything is written: %s %s', async (code, words, flags) => {
  await database.sql(`${PEOPLE}; ALTER TABLE people ALTER COLUMN name DROP DEFAULT`);
  const before = project.files();
  const { json } = await split(...(flags as string[]));
  expect({ code: json.error.code, text: JSON.stringify(json.error) }).toEqual({
    code,
    text: expect.stringContaining(words as string),
  });
  expect(project.files()).toEqual(before);
});

test('where nothing leads back the second phase waits, and cannot be undone once what is new says more', async () => {
  await database.sql(PEOPLE);
  const { json } = await split(...INTO);
  expect(json.warnings.map(({ code }: { code: string }) => code)).toContain('no_way_back');
  await cutAll();
  await project.json('migrate', '--release', R1, '--running', R1);
  const { held } = await project.json('migrate', '--release', R2);
  expect(held).toEqual([expect.stringContaining('phase_2_switch')]);
  await project.json('finish');
  await database.sql("INSERT INTO people (id, first_name, last_name) VALUES (9, 'Ann', 'New')");
  const refused = await project.phase('rollback', '--json');
  expect(refused.json.error).toMatchObject({ code: 'PH2011', why: expect.stringContaining('One row holds') });
  await database.sql('DELETE FROM people WHERE id = 9');
  // Nobody but old releases gives it a value, and new ones are writing from phase 1 on.
  for (const isRequired of [false, false, false, true]) {
    await project.json('rollback');
    const [row] = await database.sql(
      "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'people'::regclass AND attname = 'name'",
    );
    expect(row).toEqual({ attnotnull: isRequired });
  }
  await project.json('migrate', '--release', R3, '--maintenance');
  expect((await project.phase('rollback', '--json')).json.error).toMatchObject({
    code: 'PH2011',
    why: expect.stringContaining('are gone'),
  });
});

test("the application's own triggers may change either side", async () => {
  await database.sql(`${PEOPLE};
    CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := btrim(NEW.name); RETURN NEW; END $$;
    CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION tidy()`);
  expect((await split(...INTO, '--back', BACK)).json).toMatchObject({ kind: 'split' });
  await cutAll();
  await deploy(R1);
  await database.sql("INSERT INTO people (id, name) VALUES (10, '  Al Gore ')");
  await database.sql("UPDATE people SET note = 'x' WHERE id = 1");
  expect(await database.sql('SELECT name, first_name, last_name FROM people WHERE id IN (1, 10) ORDER BY id')).toEqual([
    { name: 'Ann Smith', first_name: 'Ann', last_name: 'Smith' },
    { name: 'Al Gore', first_name: 'Al', last_name: 'Gore' },
  ]);
  await deploy(R2);
  await database.sql("UPDATE people SET first_name = ' Jo' WHERE id = 10");
  expect(await database.sql('SELECT name, first_name, last_name FROM people WHERE id = 10')).toEqual([
    { name: 'Jo Gore', first_name: 'Jo', last_name: 'Gore' },
  ]);
  // It names a column that goes.
  const refused = await project.phase('migrate', '--release', R3, '--maintenance', '--json');
  expect(refused.json.error).toMatchObject({ code: 'PH2008', message: expect.stringContaining('tidy') });
});

test('a partitioned table is split like any other', async () => {
  await database.sql(`CREATE TABLE people (id int PRIMARY KEY, name text, note text) PARTITION BY RANGE (id);
    CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (0) TO (10); INSERT INTO people VALUES (1, 'Ann Smith')`);
  expect((await split(...INTO, '--back', BACK)).code).toBe(0);
  await cutAll();
  await deploy(R1);
  await database.sql(
    "CREATE TABLE people_2 PARTITION OF people FOR VALUES FROM (10) TO (20); INSERT INTO people VALUES (11, 'Bo Derek')",
  );
  await deploy(R2);
  await database.sql("UPDATE people SET last_name = 'Jones'");
  expect(await people()).toEqual([
    { id: 1, name: 'Ann Jones', note: null, first_name: 'Ann', last_name: 'Jones' },
    { id: 11, name: 'Bo Jones', note: null, first_name: 'Bo', last_name: 'Jones' },
  ]);
  await deploy(R3);
  for (let step = 0; step < 5; step++) await project.json('rollback');
  expect(await database.sql('SELECT id, name FROM people ORDER BY id')).toEqual([
    { id: 1, name: 'Ann Jones' },
    { id: 11, name: 'Bo Jones' },
  ]);
});

test('what was altered by hand is said by status, and refused by the next run with the way back', async () => {
  await database.sql(PEOPLE);
  await split(...INTO, '--back', BACK);
  await cutAll();
  await deploy(R1);
  await database.sql('ALTER TABLE people RENAME COLUMN last_name TO surname');
  expect((await project.json('status')).changes[0].altered).toEqual([
    expect.stringContaining('surname is what last_name was'),
  ]);
  const refused = await project.phase('migrate', '--release', R2, '--maintenance', '--json');
  expect(refused.json.error).toMatchObject({ code: 'PH2018', remedy: expect.stringContaining('RENAME COLUMN') });
  await database.sql(
    'ALTER TABLE people RENAME COLUMN surname TO last_name; DROP TRIGGER "00_sync_people_name_phase_1" ON people',
  );
  expect((await project.json('status')).changes[0].altered).toEqual([
    expect.stringContaining('is missing or disabled'),
  ]);
  expect((await project.phase('migrate', '--release', R2, '--maintenance', '--json')).json.error.code).toBe('PH2007');
});

test('rows that got past the sync are refused with what puts them right', async () => {
  await database.sql(PEOPLE);
  await split(...INTO, '--back', BACK);
  await cutAll();
  await deploy(R1);
  await database.sql(
    "SET session_replication_role = replica; UPDATE people SET name = 'Got Past' WHERE id = 1; RESET session_replication_role",
  );
  const refused = await project.phase('migrate', '--release', R2, '--maintenance', '--json');
  expect(refused.json.error).toMatchObject({ code: 'PH2005', details: { mismatches: 1 } });
  await database.sql(refused.json.error.details.mend);
  await deploy(R2);
  expect((await people())[0]).toMatchObject({ name: 'Got Past', first_name: 'Got', last_name: 'Past' });
  await database.sql(
    "SET session_replication_role = replica; UPDATE people SET last_name = 'Us' WHERE id = 1; RESET session_replication_role",
  );
  const again = await project.phase('migrate', '--release', R3, '--maintenance', '--json');
  expect(again.json.error).toMatchObject({ code: 'PH2005', details: { mismatches: 1 } });
  await database.sql(again.json.error.details.mend);
  expect((await people())[0]).toMatchObject({ name: 'Got Us', first_name: 'Got', last_name: 'Us' });
  await deploy(R3);
});

test('two changes of one column follow each other', async () => {
  await database.sql(PEOPLE);
  await split(...INTO, '--back', BACK);
  const rename = await project.phase(
    ...[
      'new',
      'rename-column',
      '--table',
      'people',
      '--from',
      'name',
      '--to',
      'full_name',
      ...RELEASES,
      '--yes',
      '--json',
    ],
  );
  expect(rename.json.error).toMatchObject({ code: 'PH2002', why: expect.stringContaining('public.people.name') });
  const again = await split(...['--into', 'x=name', '--into', 'y=name', '--name', 'other']);
  expect(again.json.error.code).toBe('PH2002');
  expect((await split(...INTO, '--back', BACK)).json.error.code).toBe('PH1014');
});

test('a data migration that sets one side while triggers are quiet sets the other one, too', async () => {
  await database.sql(PEOPLE);
  await split(...INTO, '--back', BACK);
  await project.json('new', 'data', 'shout', '--release', R1);
  const [path = ''] = Object.keys(project.files()).filter((file) => file.endsWith('_shout.ts'));
  project.write(
    path,
    `export const config = { transaction: false, safeToRepeat: true };
export async function up(_knex: unknown, { backfill }: any): Promise<void> {
  await backfill({ table: 'people', set: { name: 'upper(name)' }, where: 'name <> upper(name)', exact: true });
}
export async function down(): Promise<void> {}
`,
  );
  await project.json('hash', '--no-replay');
  await cutAll();
  await deploy(R1);
  expect((await people())[0]).toMatchObject({ name: 'ANN SMITH', first_name: 'ANN', last_name: 'SMITH' });
});

/** A table `people` of an own shape, split and deployed up to a release. */
async function splitUpTo(release: string | null, table: string, ...flags: string[]): Promise<void> {
  await database.sql(table);
  expect((await split(...flags)).json).toMatchObject({ kind: 'split' });
  await cutAll();
  for (const one of [R1, R2, R3]) {
    if (release === null) return;
    await deploy(one);
    if (one === release) return;
  }
}
const PLAIN = 'CREATE TABLE people (id int PRIMARY KEY, name text, note text)';
const quietly = (sql: string): Promise<unknown> =>
  database.sql(`SET session_replication_role = replica; ${sql}; RESET session_replication_role`);
const one = async (id: number): Promise<unknown> => (await database.sql('SELECT * FROM people WHERE id = $1', [id]))[0];

test.each([R1, R2])(
  'a row that was not filled yet loses nothing to a write of some of its new columns: %s',
  async (release) => {
    await splitUpTo(release, PLAIN, ...INTO, '--back', BACK);
    await quietly("INSERT INTO people (id, name) VALUES (1, 'Ada Lovelace')");
    await database.sql("UPDATE people SET first_name = 'Eve' WHERE id = 1");
    expect(await one(1)).toMatchObject({ name: 'Eve Lovelace', first_name: 'Eve', last_name: 'Lovelace' });
  },
);

test('what the second phase writes as nothing stays so, also where nothing comes back as something', async () => {
  const back = "coalesce(first_name, '') || ' ' || coalesce(last_name, '')";
  await splitUpTo(R2, `${PLAIN}; INSERT INTO people VALUES (1, 'Ada Lovelace')`, ...INTO, '--back', back);
  await database.sql(
    "UPDATE people SET first_name = NULL, last_name = NULL WHERE id = 1; UPDATE people SET note = 'x'",
  );
  expect(await one(1)).toMatchObject({ name: ' ', first_name: null, last_name: null });
  expect((await project.json('status', '--count')).changes).toMatchObject([{ mismatches: 0 }]);
  await database.sql("INSERT INTO people (id, first_name, last_name) VALUES (2, 'A', 'B')");
  await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
  await database.sql('INSERT INTO people (id) VALUES (3)');
  await project.json('rollback');
  expect((await people()).map(({ name }) => name)).toEqual([' ', 'A B', ' ']);
});

test('where nothing leads back what a new release empties stays empty, and its rows may move', async () => {
  await splitUpTo(
    null,
    `CREATE TABLE people (id int, name text NOT NULL, note int NOT NULL) PARTITION BY LIST (note); CREATE TABLE people_0 PARTITION OF people FOR VALUES IN (0);
     CREATE TABLE people_1 PARTITION OF people FOR VALUES IN (1); INSERT INTO people VALUES (1, 'Ada Lovelace', 0), (2, 'Bo Derek', 0)`,
    ...INTO,
  );
  await deploy(R1);
  await database.sql(`INSERT INTO people (id, first_name, note) VALUES (3, 'New', 0); UPDATE people SET first_name = 'Eve' WHERE id = 1;
    UPDATE people SET note = 1`);
  expect((await people()).map((row) => [row.name, row.first_name, row.last_name])).toEqual([
    ['Ada Lovelace', 'Eve', 'Lovelace'],
    ['Bo Derek', 'Bo', 'Derek'],
    [null, 'New', null],
  ]);
  await deploy(R2);
  await database.sql('UPDATE people SET first_name = NULL, last_name = NULL WHERE id = 2; UPDATE people SET note = 0');
  expect(await one(2)).toMatchObject({ name: null, first_name: null, last_name: null });
  await deploy(R3);
});

test('an expression that makes something of nothing is in step with rows that are inserted with nothing', async () => {
  await database.sql(
    'CREATE TABLE people (id int PRIMARY KEY, a text, b text); INSERT INTO people VALUES (1, NULL, NULL)',
  );
  const { json } = await project.phase(
    ...[
      'new',
      'merge-columns',
      '--table',
      'people',
      '--from',
      'a',
      '--from',
      'b',
      '--to',
      'c',
      ...RELEASES,
      '--yes',
      '--json',
    ],
    ...['--using', "coalesce(a, '') || ' ' || coalesce(b, '')"],
  );
  expect(json.kind).toBe('merge');
  await cutAll();
  await deploy(R1);
  await database.sql("INSERT INTO people (id) VALUES (2); INSERT INTO people (id, a) VALUES (3, 'x')");
  expect((await people()).map(({ c }) => c)).toEqual([' ', ' ', 'x ']);
  await deploy(R2);
});

test('a partition that comes between the phases is filled before the next one', async () => {
  await splitUpTo(
    R2,
    `CREATE TABLE people (id int, name text, note text) PARTITION BY RANGE (id); CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (0) TO (10);
     INSERT INTO people VALUES (1, 'Ada Lovelace')`,
    ...INTO,
    ...['--back', BACK],
  );
  await database.sql(`CREATE TABLE people_2 (LIKE people); INSERT INTO people_2 (id, name) VALUES (11, ' At  Tached');
    ALTER TABLE people ATTACH PARTITION people_2 FOR VALUES FROM (10) TO (20)`);
  const [before] = (await project.json('status', '--count')).changes;
  expect(before.mismatches).toBe(1);
  await deploy(R3);
  expect(await one(11)).toMatchObject({ first_name: '', last_name: 'At  Tached' });
});

test.each([
  ['gen_random_uuid()::text', 'the default of column name'],
  ['current_user', 'the default of column name'],
])('a default that tells nobody what was given is refused: %s', async (expression, words) => {
  await database.sql(`CREATE TABLE people (id int PRIMARY KEY, name text DEFAULT ${expression})`);
  const { json } = await split(...INTO, '--back', BACK);
  expect(json.error).toMatchObject({ code: 'PH2001', message: expect.stringContaining(words) });
});

test('a default that is altered between the phases is refused, since the sync tells by it what was given', async () => {
  await splitUpTo(R1, PLAIN, ...INTO, '--back', BACK);
  await database.sql("ALTER TABLE people ALTER COLUMN name SET DEFAULT 'no name'");
  const refused = await project.phase('migrate', '--release', R2, '--maintenance', '--json');
  expect(refused.json.error).toMatchObject({ code: 'PH2018', remedy: expect.stringContaining('DROP DEFAULT') });
  await database.sql('ALTER TABLE people ALTER COLUMN name DROP DEFAULT');
  await deploy(R2);
});

test('texts keep their collation, and one that is too long is refused as an assignment would', async () => {
  await splitUpTo(
    R1,
    `CREATE TABLE people (id int PRIMARY KEY, name varchar(10) COLLATE "C"); INSERT INTO people VALUES (1, 'Abcdefgh I')`,
    ...INTO,
    ...['--back', BACK],
  );
  await expect(database.sql("UPDATE people SET last_name = 'Ijklm' WHERE id = 1")).rejects.toThrow(
    'name cannot be made of first_name and last_name, as people_name_to_first_name_last_name does it: value too long',
  );
  expect(
    await database.sql(
      "SELECT attcollation::regcollation::text AS collation FROM pg_attribute WHERE attrelid = 'people'::regclass AND attname = 'first_name'",
    ),
  ).toEqual([{ collation: '"C"' }]);
});

test('what may go is told by its name, with its kind where several are called so', async () => {
  await database.sql(`${PLAIN}; CREATE INDEX read ON people (name); CREATE POLICY read ON people USING (name <> '');
    CREATE VIEW read_it AS SELECT name FROM people`);
  const drop = (...names: string[]) => split(...INTO, '--back', BACK, ...names.flatMap((name) => ['--drop', name]));
  expect((await drop('read', 'read_it')).json.error).toMatchObject({ code: 'PH1015' });
  expect((await drop('index read', 'policy read', 'read_it')).json).toMatchObject({ kind: 'split' });
  await cutAll();
  for (const release of [R1, R2]) await deploy(release);
  await database.sql('CREATE VIEW on_it AS SELECT name FROM read_it');
  const refused = await project.phase('migrate', '--release', R3, '--maintenance', '--json');
  expect(refused.json.error).toMatchObject({ code: 'PH2008', message: expect.stringContaining('on_it') });
});

test('a column that a split drops is none for a later change', async () => {
  await database.sql(PEOPLE);
  await split(...INTO, '--back', BACK);
  const later = await project.phase(
    ...['new', 'rename-column', '--table', 'people', '--from', 'name', '--to', 'full_name', '--yes', '--json'],
    ...['--releases', '1.4.0,1.5.0,1.6.0'],
  );
  expect(later.json.error).toMatchObject({
    code: 'PH2002',
    why: expect.stringContaining('drops name in release 1.3.0'),
  });
});

test('a write of an old release is a straggler also where the new columns stay what they are', async () => {
  await splitUpTo(
    R2,
    `${PLAIN}; INSERT INTO people VALUES (1, 'AdA L')`,
    '--into',
    'a=lower(name)',
    '--into',
    'b=upper(name)',
    '--back',
    'a',
  );
  await database.sql("UPDATE people SET name = 'Ada L' WHERE id = 1");
  expect((await project.json('status')).changes).toMatchObject([{ stragglers: 1 }]);
});
