import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let old: TestDatabase;
let fresh: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  [old, fresh] = await Promise.all([createDatabase(), createDatabase()]);
  project = new TestProject(old.url, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
  await addMigration(
    project,
    '1.0.0',
    'countries',
    `CREATE TABLE countries (code char(2) PRIMARY KEY, name text);\nCREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, country char(2) REFERENCES countries);`,
  );
  await addMigration(
    project,
    '1.0.0',
    'fill',
    `INSERT INTO countries VALUES ('GB', 'Great Britain'), ('FR', 'France''s'), ('XX', NULL);\nINSERT INTO users (email, country) VALUES ('root@x', 'GB');`,
    { folder: 'data' },
  );
  await project.json('release', 'cut', '1.0.0');
  for (let number = 0; number < 8; number++)
    await addMigration(
      project,
      '1.1.0',
      `more_${number}`,
      `ALTER TABLE users ADD COLUMN c${number} text DEFAULT '${number}';`,
    );
  await project.json('migrate', '--release', '1.0.0');
  await project.json('release', 'cut', '1.1.0');
});
afterEach(async () => {
  project.remove();
  await old.drop();
  await fresh.drop();
});

test('a baseline stands in the place of migrations: old databases go on, fresh ones begin from it, and both are equal', async () => {
  await project.json('migrate', '--release', '1.1.0');
  const { replaces, deleted } = await project.json('squash', '--up-to', '1.1.0', '--yes');
  expect(replaces).toHaveLength(10);
  expect(deleted).toHaveLength(11);
  expect(Object.keys(project.files()).filter((path) => /^db\/(migrate|data|releases)\//.test(path))).toHaveLength(3);
  await addMigration(project, '1.2.0', 'next', 'ALTER TABLE users ADD COLUMN next text;');
  expect((await project.phase('check', '--json')).json.findings).toEqual([]);

  const before = await project.json('status');
  expect(before.pending).toHaveLength(1);
  expect((await project.json('migrate', '--release', '1.2.0')).applied).toHaveLength(1);
  expect((await project.json('wait', '--release', '1.2.0')).ready).toBe(true);
  expect((await project.phase('drift', '--json')).json).toMatchObject({ ok: true });

  project.url = fresh.url;
  expect((await project.json('migrate', '--release', '1.2.0')).applied).toHaveLength(3);
  const { json } = await project.phase('diff', '--json', '--from', old.url, '--to', fresh.url);
  expect(json).toMatchObject({ statements: [], rest: [] });
  for (const table of ['countries', 'users'])
    expect(await fresh.sql(`SELECT * FROM ${table} ORDER BY 1`)).toEqual(
      await old.sql(`SELECT * FROM ${table} ORDER BY 1`),
    );
  // The next number is the same, too.
  const next = "INSERT INTO users (email) VALUES ('next') RETURNING id";
  expect(await fresh.sql(next)).toEqual(await old.sql(next));
});

test('a database that lacks some of them is refused, and gets them by an older version', async () => {
  await project.json('squash', '--up-to', '1.1.0', '--yes');
  for (const command of [['migrate', '--release', '1.1.0'], ['status']]) {
    const refused = await project.phase(...command, '--json');
    expect([command[0], refused.code, refused.json.error.code]).toEqual([command[0], 5, 'PH3029']);
  }
});

test('a baseline is squashed with what came after it', async () => {
  await project.json('migrate', '--release', '1.1.0');
  await project.json('squash', '--up-to', '1.0.0', '--yes');
  const { replaces } = await project.json('squash', '--up-to', '1.1.0', '--yes');
  expect(replaces).toHaveLength(10);
  expect((await project.json('status')).pending).toEqual([]);
  project.url = fresh.url;
  expect((await project.json('migrate', '--release', '1.1.0')).applied).toHaveLength(2);
});

test('what is open, unknown, or in the middle of a rename is not squashed, and nothing is written', async () => {
  await addMigration(project, '1.2.0', 'open', 'ALTER TABLE users ADD COLUMN open text;');
  project.delete('phase.config.json');
  await project.json('migrate', '--release', '1.1.0');
  const flags = ['--table', 'users', '--from', 'email', '--to', 'mail', '--releases', '1.2.0,1.3.0,1.4.0', '--yes'];
  await project.json('new', 'rename-column', ...flags);
  const files = project.files();
  const refused = async (release: string) => {
    const { code, json } = await project.phase('squash', '--up-to', release, '--yes', '--json');
    return [code, json.error.code];
  };
  expect(await refused('9.9.9')).toEqual([2, 'PH1013']);
  expect(await refused('1.2.0')).toEqual([4, 'PH2029']);
  expect(project.files()).toEqual(files);
  await project.json('release', 'cut', '1.2.0');
  const across = await project.phase('squash', '--up-to', '1.2.0', '--yes', '--json');
  expect(across.json.error.why).toContain('ends after it');
});

test('what is computed of rows is filled, db/structure.sql follows, db/shadow stays out of it, and a base that has what it replaces is no other one', async () => {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: project.root, stdio: 'pipe' });
  project.write('db/shadow/app.sql', 'CREATE SCHEMA app;');
  await addMigration(
    project,
    '1.2.0',
    'counted',
    'CREATE TABLE app.notes (id bigint PRIMARY KEY);\nCREATE MATERIALIZED VIEW counted AS SELECT count(*)::int AS n FROM countries;',
  );
  await project.json('release', 'cut', '1.2.0');
  await project.json('dump');
  git('init', '-q');
  git('add', '.');
  git('-c', 'user.name=a', '-c', 'user.email=a@x', 'commit', '-qm', 'base');
  const { files } = await project.json('squash', '--up-to', '1.2.0', '--yes');
  expect(files).toContain('db/structure.sql');
  expect((await project.phase('dump', '--check')).code).toBe(0);
  expect(project.read(files.find((path: string) => /baseline_1\.2\.0\.sql$/.test(path)))).not.toContain(
    'CREATE SCHEMA',
  );
  project.url = fresh.url;
  expect((await project.phase('check', '--base', 'HEAD', '--json')).json.findings).toEqual([]);
  await fresh.sql('CREATE SCHEMA app');
  await project.json('migrate', '--release', '1.2.0');
  expect(await fresh.sql('SELECT n FROM counted')).toEqual([{ n: 3 }]);
  expect((await project.phase('drift', '--json')).json).toMatchObject({ ok: true });
});
