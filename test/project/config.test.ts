import { chownSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { loadModule as load } from '../../src/load.ts';
import { openProject } from '../../src/project/config.ts';
import { readDuration } from '../../src/project/duration.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(() => {
  project = new TestProject();
});
afterEach(() => project.remove());

test('without a configuration the defaults hold', async () => {
  const { config, configFile } = await openProject(project.root, { load });
  expect({ config, configFile }).toMatchObject({
    configFile: null,
    config: { lockTimeout: 500, stragglerWindow: 600_000 },
  });
});

test.each([
  [
    'phase.config.ts',
    "import { defineConfig } from 'triphase';\nexport default defineConfig({ release: 'v1.2' as string });",
  ],
  ['phase.config.mjs', "export default { release: '1.2.0' };"],
  ['phase.config.cjs', "module.exports = { release: '1.2.0' };"],
  ['phase.config.json', '{ "release": "1.2.0" }'],
])('%s is read', async (name, text) => {
  project.write(name, text);
  expect((await openProject(project.root, { load })).config.release).toBe('1.2.0');
});

test('it is found from a folder below, and that is the root', async () => {
  project.write('phase.config.json', '{}');
  project.write('a/b/file', '');
  expect((await openProject(`${project.root}/a/b`, { load })).root).toBe(project.root);
});

test.each([
  ['{ "relase": "1.0.0" }', 'relase is not a key'],
  ['{ "backfill": { "batch": 1 } }', 'backfill.batch is not a key'],
  ['{ "lockAttempts": 0 }', 'lockAttempts'],
  ['{ "lockTimeout": "soon" }', 'lockTimeout: takes a number of seconds'],
  ['{ "release": "next" }', 'release: is not a version'],
  ['{', 'cannot be loaded'],
])('%s is refused, and the key is named', async (text, problem) => {
  project.write('phase.config.json', text);
  const refused = expect(openProject(project.root, { load })).rejects;
  await refused.toMatchObject({ code: 'PH1003', exitCode: 2, message: expect.stringContaining(problem) });
});

test('the release falls back to the version in package.json', async () => {
  project.write('package.json', '{ "version": "3.1.4" }');
  expect((await openProject(project.root, { load })).packageRelease).toBe('3.1.4');
});

test.each([
  ['0', 0],
  ['1.5', 1_500],
  ['250ms', 250],
  ['10 minutes', 600_000],
  ['10min', 600_000],
  ['2h', 7_200_000],
  ['soon', null],
  ['-1', null],
])('the duration %s is %s ms', (text, milliseconds) => {
  expect(readDuration(text)).toBe(milliseconds);
});

test('what was compiled is kept beside the packages, and by its text', async () => {
  const read = async (): Promise<number> => (await openProject(project.root, { load })).config.lockTimeout;
  const cache = join(project.root, 'node_modules/.cache/triphase');
  project.write('phase.config.ts', `export default { lockTimeout: '1s' as const };`);
  expect(await read()).toBe(1_000);
  expect(existsSync(cache)).toBe(false);
  mkdirSync(join(project.root, 'node_modules'));
  expect(await read()).toBe(1_000);
  const kept = readdirSync(cache);
  expect(kept).toHaveLength(1);
  project.write('phase.config.ts', `export default { lockTimeout: '2s' as const };`);
  expect(await read()).toBe(2_000);
  // A file that is none of what it says it was compiled from is not taken.
  writeFileSync(join(cache, kept[0] ?? ''), 'module.exports = { lockTimeout: "3s" }');
  expect(await read()).toBe(2_000);
  // Where it cannot be written it is compiled all the same.
  rmSync(join(cache, kept[0] ?? ''));
  symlinkSync(join(project.root, 'nowhere/file'), join(cache, kept[0] ?? ''));
  expect(await read()).toBe(2_000);
});

test('nothing is kept beside packages of another user', async () => {
  project.write('phase.config.ts', `export default { lockTimeout: '1s' as const };`);
  mkdirSync(join(project.root, 'node_modules'));
  if (process.getuid?.() !== 0) return;
  chownSync(join(project.root, 'node_modules'), 12_345, 12_345);
  expect((await openProject(project.root, { load })).config.lockTimeout).toBe(1_000);
  expect(readdirSync(join(project.root, 'node_modules'))).toEqual([]);
});
