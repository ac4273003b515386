import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { expectSameCatalogue } from './oracle.ts';

const SCHEMA = `CREATE TABLE items (id int PRIMARY KEY, age text, mood text NOT NULL); CREATE INDEX items_age ON items (age);
  INSERT INTO items VALUES (1, '12', 'sad'), (2, 'old', 'ok'), (3, NULL, ''), (4, '7 ', 'fine'); CREATE TYPE mood AS ENUM ('sad', 'ok')`;

const PEOPLE = `CREATE TABLE people (id int PRIMARY KEY, said text, year int, month int);
  INSERT INTO people VALUES (1, 'ann 1', 2026, 1), (2, 'bob two', 2026, 2), (3, NULL, NULL, NULL)`;
const EPOCH = '1970-01-01';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  await database.sql(SCHEMA);
  project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
  await project.json('init');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const scaffold = (column: string, type: string, ...flags: string[]) =>
  project.phase(
    ...['new', 'retype-column', '--table', 'items', '--column', column, '--to-type', type],
    ...['--releases', `${R1},${R2},${R3}`, ...flags, '--yes', '--json'],
  );
const map = (kind: string, ...flags: string[]) =>
  project.phase(...['new', kind, '--table', 'people', ...flags, '--releases', `${R1},${R2},${R3}`, '--yes', '--json']);
const deploy = async (release: string): Promise<void> => {
  await project.json('release', 'cut', release);
  await project.json('migrate', '--release', release, '--maintenance', '--straggler-window', '0');
};
const values = (column: string): Promise<object[]> =>
  database.sql(`SELECT id, ${column}::text AS value FROM items ORDER BY id`);

test('--on-error null keeps rows and clients going where a value cannot be converted', async () => {
  const untouched = await createDatabase();
  await untouched.sql(SCHEMA);
  try {
    const { json } = await scaffold('age', 'integer', '--on-error', 'null');
    expect(json.warnings).toContainEqual({
      code: 'values_not_kept',
      message: expect.stringContaining('One row does now: 2: '),
    });
    expect(json.warnings.map(({ code }: { code: string }) => code)).not.toContain('writes_may_be_refused');
    await deploy(R1);
    await database.sql(
      `INSERT INTO items VALUES (5, 'young', 'ok'), (6, '66', 'ok'); UPDATE items SET age = 'ha' WHERE id = 1`,
    );
    expect(await project.json('status', '--count')).toMatchObject({ changes: [{ mismatches: 0 }] });
    await deploy(R2);
    await database.sql(
      `INSERT INTO items VALUES (7, DEFAULT, 'ok'), (8, DEFAULT, 'ok'); UPDATE items SET age = 88 WHERE id = 8`,
    );
    // What could not be converted is there until phase 3, and comes back.
    expect(await values('age_triphase')).toEqual(
      ['ha', 'old', null, '7 ', 'young', '66', null, '88'].map((value, at) => ({ id: at + 1, value })),
    );
    await project.json('rollback');
    expect(await values('age')).toEqual(
      ['ha', 'old', null, '7 ', 'young', '66', null, '88'].map((value, at) => ({ id: at + 1, value })),
    );
    await project.json('migrate', '--release', R2, '--maintenance');
    await deploy(R3);
    expect(await values('age')).toEqual(
      [null, null, null, '7', null, '66', null, '88'].map((value, at) => ({ id: at + 1, value })),
    );
    expect(await database.sql(`SELECT FROM pg_proc WHERE proname LIKE 'convert_items%'`)).toEqual([]);
    await project.json('rollback', '--steps', '5');
    await database.sql('DELETE FROM items WHERE id > 4');
    await expectSameCatalogue(database, untouched);
    await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
  } finally {
    await untouched.drop();
  }
});

test('--on-error value:... gives them a value of the type, also of an enum and in a column that is NOT NULL', async () => {
  expect((await scaffold('mood', 'public.mood', '--on-error', "value:'ok'")).code).toBe(0);
  await deploy(R1);
  await database.sql(`INSERT INTO items (id, mood) VALUES (5, 'glad'), (6, 'sad')`);
  await deploy(R2);
  await deploy(R3);
  expect(await values('mood')).toEqual(
    ['sad', 'ok', 'ok', 'ok', 'ok', 'sad'].map((value, at) => ({ id: at + 1, value })),
  );
});

test('--on-error of a split and of a merge is of each new column that an expression has no result for', async () => {
  const untouched = await createDatabase();
  await database.sql(PEOPLE);
  await untouched.sql(`${SCHEMA}; ${PEOPLE}`);
  try {
    const { json } = await map(
      ...['split-column', '--from', 'said', '--into', "word=split_part(said, ' ', 1)"],
      ...[
        '--into',
        "age=split_part(said, ' ', 2)::int",
        '--back',
        "word || ' ' || age::text",
        '--on-error',
        "value:'none'",
      ],
    );
    expect(json.error).toMatchObject({ code: 'PH1043', message: expect.stringContaining('gives no integer for age') });
    const split = await map(
      ...['split-column', '--from', 'said', '--into', "word=split_part(said, ' ', 1)"],
      ...[
        '--into',
        "age=split_part(said, ' ', 2)::int",
        '--back',
        "word || coalesce(' ' || age::text, '')",
        '--on-error',
        'null',
      ],
    );
    const warnings = split.json.warnings as { code: string; message: string }[];
    expect(warnings).toContainEqual({
      code: 'values_not_kept',
      message: expect.stringMatching(/^A value that cannot become age becomes NULL, .* One row does now: 2: /),
    });
    expect(warnings.map(({ code }) => code)).not.toContain('writes_may_be_refused');
    const merged = await map(
      ...['merge-columns', '--from', 'year', '--from', 'month', '--to', 'at', '--using', 'make_date(year, month, 1)'],
      ...['--back', "year=date_part('year', at)::int", '--back', "month=date_part('month', at)::int"],
      ...['--on-error', "value:'1970-01-01'"],
    );
    expect(merged.code).toBe(0);
    await deploy(R1);
    await database.sql(`INSERT INTO people (id, said, year, month) VALUES (4, 'dan old', 2026, 13), (5, 'eve 5', 2026, 5);
      UPDATE people SET said = 'ann young', month = 0 WHERE id = 1`);
    const inStep = { changes: [{ mismatches: 0 }, { mismatches: 0 }] };
    expect(await project.json('status', '--count')).toMatchObject(inStep);
    await deploy(R2);
    await database.sql(`UPDATE people SET age = 66 WHERE id = 2; UPDATE people SET at = '2026-06-01' WHERE id = 4;
      INSERT INTO people (id, said) VALUES (6, 'fay x'); INSERT INTO people (id, word, age) VALUES (7, 'gus', 7)`);
    expect(await project.json('status', '--count')).toMatchObject(inStep);
    const rows = await database.sql(`SELECT id, said, year, month, word, age, at::text FROM people ORDER BY id`);
    expect(rows).toEqual([
      { id: 1, said: 'ann young', year: 2026, month: 0, word: 'ann', age: null, at: EPOCH },
      { id: 2, said: 'bob 66', year: 2026, month: 2, word: 'bob', age: 66, at: '2026-02-01' },
      { id: 3, said: null, year: null, month: null, word: null, age: null, at: null },
      { id: 4, said: 'dan old', year: 2026, month: 6, word: 'dan', age: null, at: '2026-06-01' },
      { id: 5, said: 'eve 5', year: 2026, month: 5, word: 'eve', age: 5, at: '2026-05-01' },
      { id: 6, said: 'fay x', year: null, month: null, word: 'fay', age: null, at: null },
      { id: 7, said: 'gus 7', year: null, month: null, word: 'gus', age: 7, at: null },
    ]);
    await deploy(R3);
    expect(await database.sql(`SELECT FROM pg_proc WHERE proname LIKE 'convert_people%'`)).toEqual([]);
    await project.json('rollback', '--steps', '10');
    await database.sql('DELETE FROM people WHERE id > 3');
    await expectSameCatalogue(database, untouched);
    await project.json('migrate', '--release', R3, '--maintenance', '--straggler-window', '0');
  } finally {
    await untouched.drop();
  }
});

test('a new column of another collation than the old one is compared by its bytes', async () => {
  await database.sql(
    `CREATE TABLE people (id int PRIMARY KEY, said text COLLATE "C"); INSERT INTO people VALUES (1, 'a b')`,
  );
  const { code } = await map(
    ...['split-column', '--from', 'said', '--into', `word=split_part(said, ' ', 1) COLLATE "POSIX"`],
    ...[
      '--into',
      `rest=split_part(said, ' ', 2) COLLATE "default"`,
      '--back',
      "word || ' ' || rest",
      '--on-error',
      'null',
    ],
  );
  expect(code).toBe(0);
  await deploy(R1);
  await database.sql(`INSERT INTO people VALUES (2, 'c d'); UPDATE people SET said = 'e f' WHERE id = 1`);
  await deploy(R2);
  await database.sql(`UPDATE people SET word = 'g' WHERE id = 1`);
  expect(await project.json('status', '--count')).toMatchObject({ changes: [{ mismatches: 0 }] });
  expect(await database.sql('SELECT said FROM people ORDER BY id')).toEqual([{ said: 'g f' }, { said: 'c d' }]);
});

test('whoever writes the table may write it though new functions are nobody else’s, and a text that is too long counts', async () => {
  const role = `writer_${database.url.replace(/.*\W/, '')}`;
  await database.sql(`CREATE ROLE ${role}; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO ${role}; GRANT SELECT, INSERT, UPDATE ON items TO ${role}`);
  try {
    expect((await scaffold('mood', 'character varying(3)', '--on-error', "value:'?'")).code).toBe(0);
    await deploy(R1);
    await database.sql(`SET ROLE ${role}; INSERT INTO items VALUES (5, '1', 'glad'); RESET ROLE`);
    await deploy(R2);
    expect(await values('mood')).toEqual(['sad', 'ok', '', '?', '?'].map((value, at) => ({ id: at + 1, value })));
  } finally {
    await database.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test.each([
  ['age', 'bad', 'PH1015'],
  ['age', 'value:', 'PH1015'],
  ['age', 'value:id', 'PH1043'],
  ['age', 'value:random()', 'PH1043'],
  ['age', 'value:(SELECT 1)', 'PH1043'],
  ['age', "value:'x'", 'PH1043'],
  ['mood', 'null', 'PH1015'],
  ['age', 'refuse', 'PH2032'],
])('of %s --on-error %j is refused with %s, and nothing is written', async (column, given, code) => {
  const before = Object.keys(project.files());
  expect((await scaffold(column, 'integer', '--on-error', given)).json.error).toMatchObject({ code });
  expect(Object.keys(project.files())).toEqual(before);
});

test('a phase that is moved to another release takes the function along', async () => {
  await scaffold('age', 'integer', '--on-error', 'null');
  await project.json('release', 'retarget', 'items_age_to_integer', '--phase', '1', '--release', '1.0.9');
  const files = project.files();
  expect(files['db/releases/1.0.9.yml']).toContain('functions/convert_items_age_v01.sql');
  expect(files['db/releases/1.1.0.yml'] ?? '').not.toContain('convert_items_age');
});
