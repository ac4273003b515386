import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readHistory } from '../../src/project/history.ts';
import { cutRelease, hashFiles } from '../../src/project/release-files.ts';
import { repository } from '../support/bookshop.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(() => {
  project = new TestProject(undefined, {
    'db/migrate/20260101000000_one.sql': 'SELECT 1;\n',
    'db/data/20260101000001_two.ts': 'export async function up() {}\n',
    'db/functions/f_v01.sql': 'SELECT 1;\n',
  });
});
afterEach(() => project.remove());

const history = () => readHistory(project.root);

test('hash enters new files into the manifest of the current release, and brings checksums up to date', async () => {
  expect(await hashFiles(await history(), '1.0.0')).toEqual(['db/releases/1.0.0.yml']);
  const before = (await history()).manifests[0];
  expect(before?.migrations.map(({ id, kind }) => `${kind} ${id}`)).toEqual([
    'schema 20260101000000_one',
    'data 20260101000001_two',
  ]);
  expect(before?.sources.map(({ file }) => file)).toEqual(['functions/f_v01.sql']);
  project.write('db/migrate/20260101000000_one.sql', 'SELECT 2;\n');
  await hashFiles(await history(), '1.0.0');
  const after = (await history()).manifests[0];
  expect(after?.migrations[0]?.sha256).not.toBe(before?.migrations[0]?.sha256);
  expect(after?.migrations[1]).toEqual(before?.migrations[1]);
});

test('line endings do not count', async () => {
  await hashFiles(await history(), '1.0.0');
  project.write('db/migrate/20260101000000_one.sql', 'SELECT 1;\r\n');
  expect(await hashFiles(await history(), '1.0.0')).toEqual([]);
});

test('what a person wrote into an open manifest stays', async () => {
  project.write('db/releases/1.0.0.yml', '# ours\nrelease: 1.0.0 # the first\nstate: open\nmigrations: []\n');
  await hashFiles(await history(), '1.0.0');
  expect(project.read('db/releases/1.0.0.yml')).toMatch(/^# ours\nrelease: 1.0.0 # the first\n/);
});

test('versions and checksums that look like numbers stay text', async () => {
  project.write(
    'db/releases/1.10.yml',
    `release: 1.10\nstate: open\nmigrations:\n  - id: 20260101000000_one\n    kind: schema\n    sha256: ${'1'.repeat(64)}\n`,
  );
  expect((await history()).manifests[0]).toMatchObject({ release: '1.10.0', migrations: [{ sha256: '1'.repeat(64) }] });
});

test('a cut manifest carries a sum, and any edit of it is found', async () => {
  await hashFiles(await history(), '1.0.0');
  await cutRelease(await history(), '1.0.0');
  expect((await history()).manifests[0]?.state).toBe('released');
  project.write('db/releases/1.0.0.yml', project.read('db/releases/1.0.0.yml').replace('kind: data', 'kind: schema'));
  await expect(history()).rejects.toMatchObject({ code: 'PH3006', exitCode: 5 });
});

test('a cut manifest that was opened again by hand is found', async () => {
  await hashFiles(await history(), '1.0.0');
  await cutRelease(await history(), '1.0.0');
  const text = project.read('db/releases/1.0.0.yml');
  project.write('db/releases/1.0.0.yml', text.replace('state: released', 'state: open'));
  await expect(history()).rejects.toMatchObject({ code: 'PH3006', why: 'It says open, and has the sum of a cut.' });
});

test.each([
  ['another release', '1.1.0.yml'],
  ['nothing that is a version', 'next.yml'],
])('a manifest whose name says %s is refused', async (_what, name) => {
  project.write(`db/releases/${name}`, 'release: 1.4.0\nstate: open\n');
  await expect(history()).rejects.toMatchObject({ code: 'PH3005', message: expect.stringContaining('1.4.0.yml') });
});

test('a phase without its rename is refused', async () => {
  const entry = `{ id: a, kind: schema, sha256: ${'1'.repeat(64)}, phase: 2 }`;
  project.write('db/releases/1.0.0.yml', `release: 1.0.0\nstate: open\nmigrations: [${entry}]\n`);
  await expect(history()).rejects.toMatchObject({ code: 'PH3005' });
});

test('releases are cut in ascending order, once, and unedited', async () => {
  project.write('db/releases/0.9.0.yml', 'release: 0.9.0\nstate: open\nmigrations: []\n');
  await hashFiles(await history(), '1.0.0');
  await expect(cutRelease(await history(), '1.0.0')).rejects.toMatchObject({ code: 'PH2003' });
  await expect(cutRelease(await history(), '7.0.0')).rejects.toMatchObject({ code: 'PH1013', exitCode: 2 });
  await cutRelease(await history(), '0.9.0');
  await expect(cutRelease(await history(), '0.9.0')).rejects.toMatchObject({ code: 'PH1019' });
  project.write('db/migrate/20260101000000_one.sql', 'SELECT 2;\n');
  await expect(cutRelease(await history(), '1.0.0')).rejects.toMatchObject({
    code: 'PH3002',
    remedy: expect.stringContaining('phase hash'),
  });
});

test.each([
  ['release: 1.0.0\nstate: half\n', 'state'],
  ['release: next\nstate: open\n', 'next'],
  ['release: 1.0.0\nstate: open\nsurprise: 1\n', 'surprise is not a key'],
  ['release: 1.0.0\nstate: open\nmigrations:\n  - id: x\n', 'migrations.0'],
  ['release: 1.0.0\nstate: open\nmigrations: [\n', ''],
])('a malformed manifest is refused with the file and the place', async (text, problem) => {
  project.write('db/releases/1.0.0.yml', text);
  await expect(history()).rejects.toMatchObject({
    code: 'PH3005',
    message: expect.stringMatching(`1.0.0.yml.*${problem}`),
  });
});

test('two files with one id are refused', async () => {
  project.write('db/data/20260101000000_one.ts', '');
  await expect(history()).rejects.toMatchObject({
    code: 'PH3010',
    message: expect.stringContaining('db/migrate/20260101000000_one.sql'),
  });
});

test.each([
  [/kind: index\n/, 'kind: indexes\n', 'parts_old_idx is no indexes that has a twin'],
  [/kind: index\n/, 'kind: view\n', 'parts_old_idx is no view that has a twin'],
  [/ {4}name: parts_old_idx\n/, '    nmae: parts_old_idx\n', 'carried.0.nmae is not a key'],
  [/ {4}twin: parts_old_idx_triphase\n/, '    state: not valid\n', 'only what has a twin has a state'],
  [/byteEqual: true/, 'byteEqual: perhaps', 'byteEqual: '],
])('a malformed rename is refused with the file and the place (%s as %j)', async (right, wrong, problem) => {
  const text = readFileSync(join(repository, 'test/fixtures/scaffolded-0.1/db/renames/parts_old_to_new.yml'), 'utf8');
  project.write('db/renames/parts_old_to_new.yml', text);
  await history();
  project.write('db/renames/parts_old_to_new.yml', text.replace(right, wrong));
  await expect(history()).rejects.toMatchObject({
    code: 'PH3005',
    message: expect.stringMatching(`renames/parts_old_to_new.yml.*${problem}`),
  });
});
