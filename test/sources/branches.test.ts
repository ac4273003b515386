import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
const extra: string[] = [];
beforeEach(async () => {
  project = new TestProject(undefined, {
    'package.json': '{"name": "shop", "version": "1.1.0"}',
    '.gitignore': '.phase\n',
  });
  await addMigration(project, '1.0.0', 'begin', 'CREATE TABLE users (id bigint PRIMARY KEY, email text);');
  await project.json('release', 'cut', '1.0.0');
  await addMigration(project, '1.1.0', 'common', 'CREATE TABLE common (id bigint PRIMARY KEY);');
  await project.json('dump');
  git('init', '-q', '-b', 'main');
  git('config', 'user.email', 'test@example.org');
  git('config', 'user.name', 'Test');
  commit('begin');
});
afterEach(() => {
  project.remove();
  for (const folder of extra.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: project.root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const commit = (message: string) => {
  git('add', '-A');
  git('commit', '-q', '-m', message);
};

/** A branch with a table and a function of its own, whose number may be the other branch's, too. */
async function branch(name: string, number: string): Promise<void> {
  git('checkout', '-q', '-b', name, 'main');
  project.write(
    `db/migrate/${number}_${name}.sql`,
    `CREATE TABLE ${name}_things (id bigint PRIMARY KEY);\n-- phase:down\nDROP TABLE ${name}_things;\n`,
  );
  project.write(
    `db/migrate/${Number(number) + 1}_${name}_touch.mjs`,
    `import { createFunction, dropFunction } from 'triphase';
export const up = (knex) => createFunction(knex, 'touch_${name}', { version: 1 });
export const down = (knex) => dropFunction(knex, 'touch_${name}');\n`,
  );
  project.write(
    `db/functions/touch_${name}_v01.sql`,
    `CREATE FUNCTION touch_${name}() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';\n`,
  );
  await project.json('hash');
  await project.json('dump');
  commit(name);
}

/** git, as a developer has it: with or without the driver. */
function merge(into: string, other: string): boolean {
  git('checkout', '-q', into);
  return spawnSync('git', ['merge', '-q', '--no-edit', other], { cwd: project.root }).status === 0;
}

async function schemaAfter(): Promise<string> {
  const { json } = await project.phase('check', '--json', '--base', 'main');
  expect(json.findings).toEqual([]);
  expect((await project.phase('dump', '--check')).code).toBe(0);
  return project.read('db/structure.sql').split('-- The ledger')[0] ?? '';
}

describe('two branches that both add migrations', () => {
  beforeEach(async () => {
    await branch('left', '20260201000000');
    await branch('right', '20260102000000');
  });

  test('merged in both orders, are in order by one command, and give the same schema', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'triphase-branches-'));
    extra.push(copy);
    cpSync(project.root, copy, { recursive: true });
    const schemas: string[] = [];
    for (const [first, second] of [
      ['left', 'right'],
      ['right', 'left'],
    ] as const) {
      expect(merge('main', first)).toBe(true);
      const behind = await checkOn(second);
      expect(behind).toContain('behind_base');
      const isClean = merge(second, 'main');
      expect(isClean).toBe(false);
      const conflict = await project.phase('check', '--json');
      expect(conflict.json.findings[0].code).toBe('PH3028');
      await project.json('rebase', '--base', 'main');
      commit('merge');
      schemas.push(await schemaAfter());
      git('checkout', '-q', '-f', 'main');
      git('reset', '-q', '--hard', 'main');
      rmSync(project.root, { recursive: true });
      cpSync(copy, project.root, { recursive: true });
    }
    expect(schemas[0]).toBe(schemas[1]);
    expect(schemas[0]).toMatch(/"left_things"[\s\S]*"right_things"/);
  });

  async function checkOn(name: string): Promise<string[]> {
    git('checkout', '-q', name);
    const { json } = await project.phase('check', '--json', '--base', 'main');
    return json.findings.map(({ code }: { code: string }) => code);
  }

  test('what is earlier than the base goes behind it, with all that names it', async () => {
    expect(merge('main', 'left')).toBe(true);
    merge('right', 'main');
    const { renamed } = await project.json('rebase', '--base', 'main');
    expect(renamed.map(({ from, to }: Record<string, string>) => [from, to])).toEqual([
      ['db/migrate/20260102000000_right.sql', 'db/migrate/20260201000002_right.sql'],
      ['db/migrate/20260102000001_right_touch.mjs', 'db/migrate/20260201000003_right_touch.mjs'],
    ]);
    expect((await project.json('rebase', '--base', 'main')).renamed).toEqual([]);
  });

  test('git puts manifests together by the driver, without a conflict', async () => {
    project.write('.gitattributes', 'db/releases/*.yml merge=phase\n');
    project.write('.gitignore', '.phase\n.gitattributes\n');
    for (const name of ['left', 'right', 'main']) {
      git('checkout', '-q', '-f', name);
      git('rm', '-q', 'db/structure.sql');
      git('commit', '-q', '-m', 'without structure');
    }
    const driver = `node ${join(repository, 'dist/cli/main.js')} merge-manifest %O %A %B %P`;
    git('config', 'merge.phase.driver', driver);
    expect(merge('main', 'left')).toBe(true);
    expect(merge('right', 'main')).toBe(true);
    const manifest = project.read('db/releases/1.1.0.yml');
    for (const id of [
      '20260201000000_left',
      '20260102000000_right',
      'functions/touch_left_v01.sql',
      'functions/touch_right_v01.sql',
    ])
      expect(manifest).toContain(id);
    const { json } = await project.phase('check', '--json');
    expect(json.findings).toEqual([]);
  });
});

test('a version that both branches have made becomes the next one', async () => {
  const file = 'db/functions/shared_v01.sql';
  for (const [name, number, result] of [
    ['left', '20260201000000', 1],
    ['right', '20260102000000', 2],
  ] as const) {
    git('checkout', '-q', '-b', name, 'main');
    project.write(
      file,
      `CREATE OR REPLACE FUNCTION shared() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT ${result}';\n`,
    );
    project.write(
      `db/migrate/${number}_${name}.mjs`,
      `import { createFunction } from 'triphase';\nexport const up = (knex) => createFunction(knex, 'shared', { version: 1 });\nexport const down = () => undefined;\n`,
    );
    await project.json('hash');
    commit(name);
  }
  expect(merge('main', 'left')).toBe(true);
  expect(merge('right', 'main')).toBe(false);
  await project.json('rebase', '--base', 'main');
  expect(project.read(file)).toContain('SELECT 1');
  expect(project.read('db/functions/shared_v02.sql')).toContain('SELECT 2');
  expect(project.read('db/migrate/20260201000001_right.mjs')).toContain("'shared', { version: 2 }");
  expect((await project.phase('check', '--json')).json.findings).toEqual([]);
});

test('what the base has released is not added to, and goes to a later release', async () => {
  await branch('late', '20260301000000');
  git('checkout', '-q', 'main');
  await project.json('release', 'cut', '1.1.0');
  commit('cut');
  git('checkout', '-q', 'late');
  spawnSync('git', ['merge', '-q', '--no-edit', 'main'], { cwd: project.root });
  const refused = await project.phase('rebase', '--base', 'main', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([2, 'PH1040']);
  await project.json('rebase', '--base', 'main', '--release', '1.2.0');
  expect(project.read('db/releases/1.2.0.yml')).toContain('20260301000000_late');
  expect(project.read('db/releases/1.1.0.yml')).not.toContain('late');
  expect((await project.phase('check', '--json', '--base', 'main')).json.findings).toEqual([]);
});

test('before the base is merged nothing is done, and a base that git does not know is refused', async () => {
  await branch('left', '20260201000000');
  await branch('right', '20260102000000');
  const early = await project.phase('rebase', '--base', 'left', '--json');
  expect([early.code, early.json.error.code]).toEqual([2, 'PH1039']);
  const unknown = await project.phase('rebase', '--base', 'nowhere', '--json');
  expect([unknown.code, unknown.json.error.code]).toEqual([2, 'PH1036']);
  const base = await project.phase('check', '--base', 'nowhere', '--json');
  expect(base.json.error.code).toBe('PH1036');
});

test('with --base only what the branch adds is judged', async () => {
  await addMigration(project, '1.1.0', 'index', 'CREATE INDEX users_email ON users (email);');
  commit('an index');
  git('checkout', '-q', '-b', 'work');
  await addMigration(project, '1.1.0', 'rename', 'ALTER TABLE users RENAME COLUMN email TO mail;');
  const codes = async (...flags: string[]) =>
    (await project.phase('check', '--json', ...flags)).json.findings.map(({ code }: { code: string }) => code);
  expect(await codes()).toEqual(['blocking_index', 'raw_rename']);
  expect(await codes('--base', 'main')).toEqual(['raw_rename']);
});
