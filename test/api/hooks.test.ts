import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeAll(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await project.json('init');
  await project.json('new', 'schema', 'make', '--release', '1.0.0', '--sql');
  const [file = ''] = Object.keys(project.files()).filter((path) => path.endsWith('_make.sql'));
  project.write(file, 'CREATE TABLE made (id int);\n-- phase:down\nDROP TABLE made;\n');
  await project.json('hash', '--no-replay');
  mkdirSync(join(project.root, 'node_modules'));
  symlinkSync(repository, join(project.root, 'node_modules/triphase'));
});
afterAll(async () => {
  project.remove();
  await database.drop();
});

function hooks(text: string): void {
  project.write(
    'phase.config.ts',
    `import { appendFileSync } from 'node:fs';
     import { defineConfig } from 'triphase';
     const tell = (event: object): void => appendFileSync(${JSON.stringify(join(project.root, 'told.jsonl'))}, JSON.stringify(event) + '\\n');
     export default defineConfig({ hooks: { ${text} } });`,
  );
}

function told(): object[] {
  if (!existsSync(join(project.root, 'told.jsonl'))) return [];
  const lines = project.read('told.jsonl');
  project.delete('told.jsonl');
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const TELL_BOTH = 'afterMigrate: (event) => tell(event), onFailure: async (event) => tell(event)';

test('hooks are told how each command ended, refusals among them', async () => {
  hooks(TELL_BOTH);
  const { applied } = await project.json('migrate', '--release', '1.0.0');
  await project.json('finish');
  expect((await project.phase('migrate', '--release', 'soon')).code).toBe(2);
  await project.json('rollback');
  expect((await project.phase('rollback', '--to', 'nowhere')).code).toBe(2);
  expect(told()).toMatchObject([
    { type: 'migrated', command: 'migrate', from: null, to: '1.0.0', applied, held: [] },
    { type: 'migrated', command: 'finish', to: '1.0.0', applied: [] },
    { type: 'failed', command: 'migrate', release: 'soon', id: null, error: { code: 'PH1006' } },
    { type: 'failed', command: 'rollback', release: null, error: { code: 'PH1016' } },
  ]);
});

test('they are called once the database is let go', async () => {
  hooks(
    `afterMigrate: async (event) => {
       const { default: pg } = await import(${JSON.stringify(join(repository, 'node_modules/pg/esm/index.mjs'))});
       const client = new pg.Client({ connectionString: ${JSON.stringify(database.url)}, connectionTimeoutMillis: 5_000 });
       await client.connect();
       const { rows } = await client.query("SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
       await client.end();
       tell(rows[0]);
     }`,
  );
  const { stderr } = await project.phase('migrate', '--release', '1.0.0');
  expect(stderr).not.toContain('hook');
  expect(told()).toEqual([{ locks: 0 }]);
});

test('one that throws is said, and changes neither the result nor the exit code', async () => {
  hooks(
    `afterMigrate: () => { throw new Error('chat is down'); }, onFailure: () => Promise.reject(new Error('so is the pager'))`,
  );
  const done = await project.phase('migrate', '--release', '1.0.0', '--json');
  expect({ code: done.code, failed: done.json.failed }).toEqual({ code: 0, failed: null });
  expect(done.stderr).toContain('The hook afterMigrate failed: Error: chat is down.');
  const failed = await project.phase('migrate', '--release', 'soon');
  expect(failed.code).toBe(2);
  expect(failed.stderr).toMatch(/onFailure failed: Error: so is the pager\.[\s\S]*PH1006/);
});

test('one that does not end is waited for, and keeps no process from its end', () => {
  hooks(`timeout: '200ms', afterMigrate: () => new Promise(() => setInterval(() => undefined, 1_000))`);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(repository, 'dist/cli/main.js'), 'migrate', '--release', '1.0.0', '--json'],
    {
      cwd: project.root,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, DATABASE_URL: database.url },
      timeout: 30_000,
    },
  );
  expect({ status, failed: JSON.parse(stdout).failed }).toEqual({ status: 0, failed: null });
  expect(stderr).toContain('The hook afterMigrate failed: it had not ended after 200 ms.');
});

test.each([
  [`afterMigrate: 'https://chat'`, 'hooks.afterMigrate: takes a function'],
  [`afterFinish: () => {}`, 'hooks.afterFinish is not a key'],
])('%s is refused', async (text, problem) => {
  hooks(text);
  const { code, json } = await project.phase('status', '--json');
  expect({ code, error: json.error }).toMatchObject({
    code: 2,
    error: { code: 'PH1003', details: { problems: [problem] } },
  });
});
