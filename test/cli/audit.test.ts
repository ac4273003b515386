import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await database.sql(
    `CREATE TABLE users (id int PRIMARY KEY, note text); INSERT INTO users VALUES (1, '=1+1'), (2, ''), (3, NULL), (4, '-5'), (5, '@x, "y"')`,
  );
  await project.json('new', 'data', 'notes', '--release', '1.0.0');
  const path = Object.keys(project.files()).find((file) => file.endsWith('_notes.ts')) ?? '';
  project.write(
    path,
    `export const config = { ticket: 'SHOP-12' };
     export const up = (_knex, { dataChange }) => dataChange('notes', { key: 'id', pre: 'SELECT * FROM users ORDER BY id', change: "UPDATE users SET note = 'n' RETURNING id", post: 'SELECT u.* FROM users u JOIN pre_keys USING (id) ORDER BY id' });
     export const down = (_knex, { restoreFrom }) => restoreFrom('notes', { table: 'users' });`,
  );
  await project.json('hash');
  await project.json('migrate', '--release', '1.0.0');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

test('a project without audits has none', async () => {
  const other = new TestProject((await createDatabase()).url);
  expect(await other.json('audit', 'list')).toEqual({ audits: [] });
  other.remove();
});

test('they are listed by migration and ticket, with what was written', async () => {
  const { audits } = await project.json('audit', 'list', '--ticket', 'SHOP-12');
  expect(audits).toMatchObject([
    {
      name: 'notes',
      kind: 'pre',
      rows: 5,
      state: 'stored',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      file: expect.stringMatching(/^db\/audits\//),
    },
    { kind: 'change', rows: 5 },
    { kind: 'post', rows: 5 },
  ]);
  expect(await project.json('audit', 'list', '--ticket', 'OTHER')).toEqual({ audits: [] });
  expect((await project.phase('audit', 'show', 'nothing', '--json')).json.error.code).toBe('PH3016');
  const shown = await project.phase('audit', 'show', 'notes');
  expect(shown.stdout).toContain('id,note\n1,=1+1\n2,""\n3,\n');
});

test('verify finds what is changed, cut short or missing, with exit 7', async () => {
  expect((await project.phase('audit', 'verify')).code).toBe(0);
  const { audits } = await project.json('audit', 'list');
  const path = join(project.root, audits[0].file);
  writeFileSync(path, readFileSync(path, 'utf8').replace('-5', '-6'));
  const ran = await project.phase('audit', 'verify', '--json');
  expect({ exit: ran.code, states: ran.json.audits.map(({ state }: { state: string }) => state) }).toEqual({
    exit: 7,
    states: ['changed', 'ok', 'ok'],
  });
  expect((await project.phase('audit', 'export', '--out', 'bundle', '--json')).json.error.code).toBe('PH3016');
  expect(existsSync(join(project.root, 'bundle/audits.json'))).toBe(false);
});

test('one that cannot be read is named, and the others are looked at all the same', async () => {
  const { audits } = await project.json('audit', 'list');
  const path = join(project.root, audits[0].file);
  rmSync(path);
  mkdirSync(path);
  const ran = await project.phase('audit', 'verify', '--json');
  expect({ exit: ran.code, states: ran.json.audits.map(({ state }: { state: string }) => state) }).toEqual({
    exit: 7,
    states: ['unreadable', 'ok', 'ok'],
  });
});

test.each(['--ticket', '--migration'])('verify and export of a %s that nobody knows say so', async (flag) => {
  for (const args of [['verify'], ['export', '--out', 'bundle']]) {
    const ran = await project.phase('audit', ...args, flag, 'TYPO', '--json');
    expect([ran.code, ran.json.error.code]).toEqual([5, 'PH3016']);
  }
});

test('exported for a spreadsheet, formulas are text; exactly, the bytes are the same; nothing is written over', async () => {
  const { audits } = await project.json('audit', 'export', '--ticket', 'SHOP-12', '--out', 'bundle');
  const [pre] = audits;
  expect(readFileSync(join(project.root, 'bundle', pre.exported), 'utf8')).toBe(
    `id,note\n1,'=1+1\n2,""\n3,\n4,'-5\n5,"'@x, ""y"""\n`,
  );
  expect(JSON.parse(project.read('bundle/audits.json')).audits).toHaveLength(3);
  await project.json('audit', 'export', '--out', 'exact', '--exact');
  expect(project.read(join('exact', pre.exported))).toBe(project.read(pre.file));
  expect((await project.phase('audit', 'export', '--out', 'bundle', '--json')).json.error.code).toBe('PH1011');
  expect((await project.phase('audit', 'export', '--json')).json.error.code).toBe('PH1004');
});

test('undone by its audit, done again, and each time audited', async () => {
  const before = await database.sql('SELECT * FROM users ORDER BY id');
  await project.json('rollback', '--steps', '1');
  expect(await database.sql('SELECT note FROM users ORDER BY id')).toEqual(
    ['=1+1', '', null, '-5', '@x, "y"'].map((note) => ({ note })),
  );
  await project.json('migrate', '--release', '1.0.0');
  expect(await database.sql('SELECT * FROM users ORDER BY id')).toEqual(before);
  await project.json('rollback', '--steps', '1');
  expect((await project.json('audit', 'verify')).audits).toHaveLength(12);
});

test('numbers stay numbers when they are exported for a spreadsheet, and texts that begin alike do not', async () => {
  await database.sql(`CREATE TABLE sums (id int PRIMARY KEY, i bigint, n numeric(10,2), f float8, t text);
    INSERT INTO sums VALUES (-1, -3, -1.50, '-Infinity', '-3'), (2, 4, 'NaN', -1e-10, '-3+cmd')`);
  await project.json('release', 'cut', '1.0.0');
  await project.json('new', 'data', 'sums', '--release', '1.1.0');
  const path = Object.keys(project.files()).find((file) => file.endsWith('_sums.ts')) ?? '';
  project.write(
    path,
    `export const up = (_knex, { dataChange }) => dataChange('sums', { key: 'id', pre: 'SELECT * FROM sums ORDER BY id', change: "UPDATE sums SET t = t RETURNING id" });`,
  );
  await project.json('hash');
  await project.json('migrate', '--release', '1.1.0');
  const { audits } = await project.json('audit', 'export', '--out', 'bundle');
  const { exported } = audits.find(
    ({ name, kind }: { name: string; kind: string }) => name === 'sums' && kind === 'pre',
  );
  expect(project.read(join('bundle', exported))).toBe(
    "id,i,n,f,t\n-1,-3,-1.50,-Infinity,'-3\n2,4,NaN,-1e-10,'-3+cmd\n",
  );
});
