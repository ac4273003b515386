import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFiles } from '../../src/project/files.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeEach(() => {
  project = new TestProject(undefined, { 'kept.txt': 'before' });
});
afterEach(() => project.remove());

test('all files are written, and their folders', async () => {
  await writeFiles(project.root, [
    { path: 'a/b/one.txt', content: '1', mode: 'create' },
    { path: 'kept.txt', content: 'after', mode: 'replace' },
  ]);
  expect(project.files()).toEqual({ 'a/b/one.txt': '1', 'kept.txt': 'after' });
});

test('what goes goes with the others, or stays', async () => {
  await writeFiles(project.root, [{ path: 'new.txt', content: '1', mode: 'create' }], ['kept.txt']);
  expect(project.files()).toEqual({ 'new.txt': '1' });
  const changes = [{ path: 'more.txt', content: '2', mode: 'create' as const }];
  await expect(writeFiles(project.root, changes, ['new.txt', 'nowhere.txt'])).rejects.toMatchObject({ code: 'PH5011' });
  expect(project.files()).toEqual({ 'new.txt': '1' });
});

test('when a file to be created exists nothing is written', async () => {
  const changes = [
    { path: 'new.txt', content: '1', mode: 'create' as const },
    { path: 'kept.txt', content: '2', mode: 'create' as const },
  ];
  await expect(writeFiles(project.root, changes)).rejects.toMatchObject({ code: 'PH1011', exitCode: 2 });
  expect(project.files()).toEqual({ 'kept.txt': 'before' });
});

test('when the file system refuses in the middle everything is as it was', async () => {
  // A folder in the place of the last file: renaming onto it fails, also for root.
  mkdirSync(join(project.root, 'blocked/full'), { recursive: true });
  chmodSync(project.root, 0o755);
  const changes = [
    { path: 'deep/new.txt', content: '1', mode: 'create' as const },
    { path: 'kept.txt', content: '2', mode: 'replace' as const },
    { path: 'blocked', content: '3', mode: 'replace' as const },
  ];
  await expect(writeFiles(project.root, changes)).rejects.toMatchObject({ code: 'PH5011', exitCode: 1 });
  expect(project.files()).toEqual({ 'kept.txt': 'before' });
});
