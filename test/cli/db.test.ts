import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestProject } from '../support/project.ts';

let project: TestProject;
beforeAll(() => {
  project = new TestProject();
});
afterAll(async () => {
  await project.phase('db', 'stop');
  project.remove();
});

test('url and stop mean whatever version is running, unless one is named', async () => {
  expect((await project.phase('db', 'url', '--json')).json.error.code).toBe('PH5007');
  const { url } = await project.json('db', 'start', '--pg-version', '17');
  expect(url).toMatch(/^postgres:\/\//);
  expect((await project.json('db', 'url')).url).toBe(url);
  expect((await project.phase('db', 'url', '--pg-version', '18', '--json')).code).toBe(1);
  expect((await project.json('db', 'stop', '--pg-version', '18')).url).toBeNull();
  expect((await project.json('db', 'stop')).url).toBe(url);
  expect((await project.json('db', 'stop')).url).toBeNull();
});
