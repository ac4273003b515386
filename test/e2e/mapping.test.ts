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
