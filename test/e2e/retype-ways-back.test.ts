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

const scaffold = (to: string, ...flags: string[]) =>
  project.phase(
    ...['new', 'retype-column', '--table', 'items', '--column', 'c', '--to-type', to],
    ...['--releases', `${R1},${R2},${R3}`, ...flags, '--yes', '--json'],
  );
const deploy = (release: string) => project.json('migrate', '--release', release, '--maintenance');
const mismatches = async (): Promise<number> => (await project.json('status', '--count')).changes[0].mismatches;

/** Up to the second phase. */
async function switched(table: string, to: string, ...flags: string[]): Promise<void> {
  await database.sql(table);
  expect((await scaffold(to, ...flags)).code).toBe(0);
  for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
  for (const release of [R1, R2]) await deploy(release);
}

test('a value that becomes NULL is none where the column is NOT NULL', async () => {
  await database.sql(
    `CREATE TABLE items (id int PRIMARY KEY, c text NOT NULL); INSERT INTO items VALUES (1, '1'), (2, '')`,
  );
  const { code, json } = await scaffold('integer', '--using', "NULLIF(c, '')::integer");
  expect({ code, error: json.error }).toMatchObject({
    code: 4,
    error: { code: 'PH2032', details: { rows: 1, examples: ['2: it becomes NULL, and the column is NOT NULL'] } },
  });
  await database.sql("UPDATE items SET c = '0' WHERE id = 2");
  expect((await scaffold('integer', '--using', "NULLIF(c, '')::integer")).code).toBe(0);
});

test('of many rows without a value some are named', async () => {
  await database.sql(
    "CREATE TABLE items (id int PRIMARY KEY, c text); INSERT INTO items SELECT n, 'x' FROM generate_series(1, 5000) AS n",
  );
  const { json } = await scaffold('integer', '--using', 'c::integer');
  expect(json.error.details).toMatchObject({ rows: 5000, examples: { length: 10 } });
});

test('in the second phase the columns are in step by either conversion, and a row that is not is counted', async () => {
  const table = "CREATE TABLE items (id int PRIMARY KEY, c text); INSERT INTO items VALUES (1, 'Ab'), (2, 'cd')";
  await switched(table, 'character varying', '--using', 'upper(c)', '--back', 'lower(c)');
  await database.sql("UPDATE items SET c = 'Xy' WHERE id = 2; INSERT INTO items (id, c) VALUES (3, 'New')");
  expect(await database.sql('SELECT c, c_triphase AS old FROM items ORDER BY id')).toEqual([
    { c: 'AB', old: 'Ab' },
    { c: 'Xy', old: 'xy' },
    { c: 'New', old: 'new' },
  ]);
  expect(await mismatches()).toBe(0);
  await database.sql("UPDATE items SET c_triphase = 'other' WHERE id = 2");
  expect(await mismatches()).toBe(1);
  // Nobody reads the old one, so that the third phase is held by nothing.
  await deploy(R3);
  expect(await database.sql('SELECT c FROM items ORDER BY id')).toEqual([{ c: 'AB' }, { c: 'Xy' }, { c: 'New' }]);
});

test('a value that has no way back is no mismatch, and is asked for none', async () => {
  await switched('CREATE TABLE items (id int PRIMARY KEY, c integer); INSERT INTO items VALUES (1, 1)', 'bigint');
  await database.sql('INSERT INTO items (id, c) VALUES (2, 5000000000)');
  expect(await mismatches()).toBe(0);
});

test('rows that were written while the sync was quiet get their old value when the second phase is undone', async () => {
  await switched('CREATE TABLE items (id int PRIMARY KEY, c integer); INSERT INTO items VALUES (1, 1)', 'bigint');
  await database.sql(`SET session_replication_role = replica; INSERT INTO items (id, c) VALUES (2, 22);
    SET session_replication_role = origin`);
  await project.json('rollback');
  expect(await database.sql('SELECT id, c, c_triphase::text AS next FROM items ORDER BY id')).toEqual([
    { id: 1, c: 1, next: '1' },
    { id: 2, c: 22, next: '22' },
  ]);
});

test('a partition that comes in the second phase with what has no way back stops no deploy; undoing names it, and goes on once it is put right', async () => {
  await switched(
    `CREATE TABLE items (id int, c integer, PRIMARY KEY (id)) PARTITION BY RANGE (id);
     CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (0) TO (10); INSERT INTO items VALUES (1, 1)`,
    'bigint',
  );
  await database.sql(`CREATE TABLE items_2 (LIKE items INCLUDING ALL);
    INSERT INTO items_2 (id, c) VALUES (11, 11), (12, 5000000000);
    ALTER TABLE items ATTACH PARTITION items_2 FOR VALUES FROM (10) TO (20)`);
  await deploy(R2);
  const refused = await project.phase('rollback', '--json');
  expect(refused.json.error).toMatchObject({
    code: 'PH2011',
    why: expect.stringContaining('12: integer out of range'),
  });
  await database.sql('UPDATE items SET c = 12 WHERE id = 12');
  await project.json('rollback');
  expect(await database.sql('SELECT id, c FROM items ORDER BY id')).toEqual([
    { id: 1, c: 1 },
    { id: 11, c: 11 },
    { id: 12, c: 12 },
  ]);
});
