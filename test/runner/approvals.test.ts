import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
let id: string;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, {
    'package.json': '{"name": "shop", "version": "1.0.0"}',
    '.gitignore': '.phase\n',
  });
  await addMigration(project, '1.0.0', 'users', 'CREATE TABLE users (id bigint PRIMARY KEY, done boolean);');
  id = await addMigration(project, '1.0.0', 'fill', 'INSERT INTO users VALUES (1, true);', { folder: 'data' });
  const config = JSON.parse(project.read('phase.config.json'));
  project.write(
    'phase.config.json',
    JSON.stringify({ ...config, environments: { live: { urlVariable: 'DATABASE_URL', approvals: 1 } } }),
  );
  git('init', '-q');
  git('config', 'user.email', 'author@example.org');
  git('config', 'user.name', 'Author');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const git = (...args: string[]): string => execFileSync('git', args, { cwd: project.root, encoding: 'utf8' });
const commit = (...trailers: string[]) => {
  git('add', '-A');
  git('commit', '-q', '-m', ['change', ...trailers].join('\n\n'));
};
const refused = async (...command: string[]) => {
  const { code, json } = await project.phase(...command, '--json');
  return [code, json.error?.code];
};

test('a data migration waits for somebody besides its authors, and then runs; who approved it stands in the plan and with its audits', async () => {
  expect(await refused('approve', id, '--by', 'other@example.org')).toEqual([2, 'PH1042']);
  commit('Co-authored-by: Helper <helper@example.org>');
  expect(await refused('migrate')).toEqual([4, 'PH2030']);
  expect(await database.sql("SELECT FROM pg_tables WHERE tablename = 'users'")).toEqual([]);
  expect((await project.json('plan')).approvals).toEqual([{ id, needed: 1, by: [] }]);
  expect(await refused('approve', id)).toEqual([4, 'PH2031']);
  expect(await refused('approve', id, '--by', 'HELPER@example.org')).toEqual([4, 'PH2031']);
  expect(await refused('approve', 'nowhere', '--by', 'other@example.org')).toEqual([2, 'PH1016']);

  expect(await project.json('approve', id, '--by', 'other@example.org')).toMatchObject({
    id,
    by: 'other@example.org',
    at: expect.any(String),
  });
  expect((await project.phase('plan')).stdout).toContain(`approved ${id}: other@example.org, of 1`);
  expect((await project.json('migrate')).applied).toContain(id);
});

test('an approval is for the text that was read', async () => {
  commit();
  await project.json('approve', id, '--by', 'other@example.org');
  project.write(`db/data/${id}.sql`, 'INSERT INTO users VALUES (1, false);');
  await project.json('hash');
  expect(await refused('migrate')).toEqual([4, 'PH2030']);
  commit();
  await project.json('approve', id, '--by', 'other@example.org');
  expect((await project.json('migrate')).applied).toHaveLength(2);
});

test('without an environment that asks for them nobody is waited for', async () => {
  const config = JSON.parse(project.read('phase.config.json'));
  project.write(
    'phase.config.json',
    JSON.stringify({ ...config, environments: { live: { urlVariable: 'OTHER_URL', approvals: 1 } } }),
  );
  expect((await project.json('migrate')).applied).toHaveLength(2);
});
