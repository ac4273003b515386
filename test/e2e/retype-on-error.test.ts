import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { expectSameCatalogue } from './oracle.ts';

const SCHEMA = `CREATE TABLE items (id int PRIMARY KEY, age text, mood text NOT NULL); CREATE INDEX items_age ON items (age);
  INSERT INTO items VALUES (1, '12', 'sad'), (2, 'old', 'ok'), (3, NULL, ''), (4, '7 ', 'fine'); CREATE TYPE mood AS ENUM ('sad', 'ok')`;

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
