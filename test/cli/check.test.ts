import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

const RENAME = 'users_e_mail_to_email';
let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  await database.sql('CREATE TABLE users (id int PRIMARY KEY, e_mail text)');
  project = new TestProject(database.url, {
    'package.json': '{"name": "shop", "version": "1.1.0"}',
    'src/users.ts': `const a = row.e_mail;\nconst b = row.eMail; // phase-ignore\nconst c = row.e_mail_hash;\n`,
    'db/notes.sql': 'SELECT e_mail FROM users',
  });
  const flags = ['--table', 'users', '--from', 'e_mail', '--to', 'email', '--releases', '1.1.0,1.2.0,1.3.0', '--yes'];
  await project.json('new', 'rename-column', ...flags);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const check = async (...flags: string[]) => {
  const { code, json } = await project.phase('check', '--json', ...flags);
  return {
    code,
    ok: json.ok,
    findings: json.findings.map(({ code: of, file, line }: Record<string, unknown>) => [of, file, line]),
  };
};
const manifest = (release: string) => `db/releases/${release}.yml`;
const version = (text: string) => project.write('package.json', JSON.stringify({ name: 'shop', version: text }));

test('scripts that are no migrations are named all at once', async () => {
  for (const name of ['a', 'b'])
    await addMigration(project, '1.0.0', name, `BEGIN;\nCREATE TABLE ${name} (id int);\nCOMMIT;`);
  const { findings } = (await project.phase('check', '--json')).json;
  expect(
    findings.map(({ code, file }: { code: string; file: string }) => [code, /_(.)\.sql$/.exec(file)?.[1]]),
  ).toEqual([
    ['PH3014', 'a'],
    ['PH3014', 'b'],
  ]);
});

test('usages are the places in the code that name the old column', async () => {
  expect((await project.json('usages', RENAME)).usages).toEqual([
    { file: 'src/users.ts', line: 1, text: 'const a = row.e_mail;', certainty: 'likely' },
  ]);
  expect((await project.phase('usages', 'nothing', '--json')).json.error.code).toBe('PH1026');
});

test('usages in SQL are found in capitals, long lines are cut, and what is no file is passed over', async () => {
  project.write('src/report.sql', 'SELECT E_MAIL FROM USERS;\n');
  project.write('src/bundle.js', `${'x'.repeat(10_000)} e_mail ${'x'.repeat(10_000)}`);
  project.write('src/E_MAIL.ts', 'const E_MAIL = 1;');
  mkdirSync(join(project.root, 'src/folder.ts'));
  spawnSync('mkfifo', [join(project.root, 'src/pipe.ts')]);
  const { usages } = await project.json('usages', RENAME);
  expect(usages.map(({ file }: { file: string }) => file)).toEqual(['src/bundle.js', 'src/report.sql', 'src/users.ts']);
  expect(usages[0].text).toHaveLength(504);
});

test('annotations name files from the top of the repository, once each', async () => {
  const shop = new TestProject(undefined, {
    'apps/shop/package.json': '{"version": "1.2.0"}',
    'apps/shop/phase.config.json': '{}',
    'apps/shop/ignored.ts': 'row.e_mail',
    '.gitignore': 'ignored.ts',
  });
  for (const [path, text] of Object.entries(project.files())) {
    if (/^(?:db|src)\//.test(path)) shop.write(`apps/shop/${path}`, text);
  }
  spawnSync('git', ['init'], { cwd: shop.root });
  const config = join(shop.root, 'apps/shop/phase.config.json');
  const { stdout } = await shop.phase('--config', config, 'check', '--no-replay', '--format', 'github');
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringContaining('::error file=apps/shop/src/users.ts,line=1,title=old_name::'),
  ]);
  shop.remove();
});

test('a migration that breaks its own release is found', async () => {
  project.write(manifest('1.3.0'), project.read(manifest('1.3.0')).replace('<1.2.0', '<=1.3.0'));
  expect((await check('--no-replay')).findings).toEqual([['breaks_itself', manifest('1.3.0'), null]]);
});

test('a notice can be written beside a package.json that cannot be read', async () => {
  project.write('package.json', '\ufeff{');
  project.write('phase.config.json', '{"release": "1.1.0"}');
  expect((await project.json('notice', RENAME)).text).toContain('the application');
});

test('nothing is wrong in phase 1; from the release of phase 2 on old names are', async () => {
  expect(await check('--no-replay')).toEqual({ code: 0, ok: true, findings: [] });
  version('1.2.0');
  expect(await check()).toEqual({ code: 7, ok: false, findings: [['old_name', 'src/users.ts', 1]] });
});

test('files that no manifest lists, edited files, and a circle are all found at once', async () => {
  project.write('db/migrate/20260101000000_more.sql', 'SELECT 1');
  const [path = ''] = Object.keys(project.files()).filter((file) => file.endsWith('_expand.ts'));
  project.write(path, `${project.read(path)}\n`);
  const text = project.read(manifest('1.1.0'));
  const ids = [...text.matchAll(/- id: (\S+)/g)].map(([, id]) => id);
  project.write(manifest('1.1.0'), text.replace('phase: 1\n', `phase: 1\n    after: [${ids[2]}]\n`));
  expect((await check()).findings).toEqual([
    ['PH3002', path, null],
    ['PH3007', path, null],
    ['unlisted_file', 'db/migrate/20260101000000_more.sql', null],
  ]);
});

test.each([
  [
    'two phases of a rename in one release',
    () => {
      const third = project.read(manifest('1.3.0')).match(/ {2}- id:[\s\S]*?(?=\nsources|$)/)?.[0] ?? '';
      project.write(
        manifest('1.2.0'),
        project.read(manifest('1.2.0')).replace('migrations:\n', `migrations:\n${third}\n`),
      );
      project.write(manifest('1.3.0'), 'release: 1.3.0\nstate: open\nmigrations: []\n');
    },
    'PH3009',
  ],
  [
    'a phase that is due and nowhere',
    () => project.write(manifest('1.3.0'), 'release: 1.3.0\nstate: open\nmigrations: []\n'),
    'PH3018',
  ],
])('%s is found, and cannot be cut', async (_what, edit, code) => {
  await project.json('release', 'cut', '1.1.0');
  edit();
  version('1.3.0');
  expect((await check()).findings.map(([of]: string[]) => of)).toContain(code);
  const codes: (string | undefined)[] = [];
  for (const release of ['1.2.0', '1.3.0'])
    codes.push((await project.phase('release', 'cut', release, '--json')).json.error?.code);
  expect(codes).toContain(code);
});

test.each([
  ['text', 'src/users.ts:1 old_name e_mail is called email since phase 2'],
  ['markdown', '`old_name`'],
  ['github', '::error file=src/users.ts,line=1,title=old_name::e_mail is called email'],
])('findings as %s', async (format, expected) => {
  version('1.2.0');
  const ran = await project.phase('check', '--format', format);
  expect(ran.code).toBe(7);
  expect(ran.stdout).toContain(expected);
});

test('a manifest that says something else of tables than the migration touches is found', async () => {
  const other = new TestProject(undefined, { 'package.json': '{"version": "1.1.0"}' });
  other.write('db/migrate/20260101000000_a.sql', 'CREATE TABLE a (id int PRIMARY KEY)');
  await other.json('hash');
  expect((await other.phase('check', '--json')).json).toEqual({ ok: true, findings: [] });
  other.write(manifest('1.1.0'), other.read(manifest('1.1.0')).replace('public.a', 'public.b'));
  const wrong = await other.phase('check', '--json');
  expect([wrong.code, wrong.json.findings[0].code, wrong.json.findings[0].file]).toEqual([
    7,
    'touches_differ',
    manifest('1.1.0'),
  ]);
  expect((await other.phase('check', '--no-replay')).code).toBe(0);
  other.remove();
});

test('a migration that PostgreSQL cannot parse is found, and cannot be cut', async () => {
  const other = new TestProject(undefined, { 'package.json': '{"version": "1.1.0"}' });
  other.write('db/migrate/20260101000000_a.sql', 'CREATE TABLE a (id int); ALTER TABLE a ADD COLUMN b text, c text');
  await other.json('hash');
  const { code, json } = await other.phase('check', '--json');
  expect([code, json.findings[0].code, json.findings[0].file]).toEqual([
    7,
    'PH3014',
    'db/migrate/20260101000000_a.sql',
  ]);
  expect((await other.phase('release', 'cut', '1.1.0', '--json')).json.error.code).toBe('PH3014');
  expect(other.read(manifest('1.1.0'))).toContain('state: open');
  other.remove();
});

test('a migration that lacks what was there before phase is none that is wrong, but nobody has looked', async () => {
  const other = new TestProject(undefined, { 'package.json': '{"version": "1.1.0"}' });
  other.write('db/migrate/20260101000000_a.sql', 'ALTER TABLE older ADD COLUMN b text');
  await other.json('hash');
  const { code, json } = await other.phase('check', '--json');
  expect(code).toBe(7);
  expect(json).toMatchObject({
    ok: false,
    findings: [
      {
        code: 'not_replayed',
        severity: 'warning',
        file: 'db/migrate/20260101000000_a.sql',
        message: expect.stringContaining('relation "older" does not exist'),
        remedy: expect.stringContaining('--no-replay'),
      },
    ],
  });
  expect((await other.phase('check', '--no-replay', '--json')).json).toEqual({ ok: true, findings: [] });
  other.remove();
});

test('a change that would be large on the database is found while it is written', async () => {
  await database.sql(`INSERT INTO users SELECT n, 'x' FROM generate_series(1, 20000) AS n; ANALYZE users`);
  await project.json('new', 'data', 'mark', '--release', '1.1.0');
  const path = Object.keys(project.files()).find((file) => file.endsWith('_mark.ts')) ?? '';
  const change = (where: string) =>
    project.write(
      path,
      `export const up = (_knex, { dataChange }) => dataChange('marks', { key: 'id', change: "UPDATE users SET e_mail = 'y' ${where} RETURNING id" });`,
    );
  change('');
  await project.json('hash', '--no-replay');
  expect((await check('--no-replay')).findings).toEqual([['large_change', path, null]]);
  change('WHERE id = 1');
  await project.json('hash', '--no-replay');
  expect((await check('--no-replay')).findings).toEqual([]);
  expect(await database.sql(`SELECT FROM users WHERE e_mail = 'y'`)).toEqual([]);
});

test('a server that is given and does not answer is no reason to say that all is well', async () => {
  project.url = 'postgres://nobody@127.0.0.1:1/none';
  expect(await check('--no-replay')).toMatchObject({ code: 7, ok: false, findings: [['not_counted', null, null]] });
  project.url = '';
  expect(await check('--no-replay')).toMatchObject({ code: 0, ok: true });
});

test('the notice says when what changes, for people outside', async () => {
  const { stdout } = await project.phase('notice', RENAME);
  for (const text of [
    '# public.users.e_mail becomes email',
    '| 1.1.0 |',
    '| 1.2.0 | shop itself',
    '| 1.3.0 |',
    '`text`',
  ]) {
    expect(stdout).toContain(text);
  }
});

describe('a migration that alters a column while it is renamed', () => {
  let own: TestProject;
  let schema: TestDatabase;
  beforeEach(async () => {
    schema = await createDatabase();
    own = new TestProject(schema.url, { 'package.json': '{"version": "1.0.0"}' });
    await addMigration(own, '1.0.0', 'users', 'CREATE TABLE users (id int PRIMARY KEY, email varchar(20));');
    await own.json('migrate', '--release', '1.0.0');
    await own.json('release', 'cut', '1.0.0');
    const flags = ['--table', 'users', '--from', 'email', '--to', 'addr', '--releases', '1.1.0,1.2.0,1.3.0', '--yes'];
    await own.json('new', 'rename-column', ...flags);
  });
  afterEach(async () => {
    own.remove();
    await schema.drop();
  });

  const findings = async (sql: string, extension = 'sql') => {
    const id = await addMigration(own, '1.1.5', 'alter', sql, { extension, replay: true });
    const { json } = await own.phase('check', '--json');
    return { id, findings: json.findings };
  };

  test('by a plain ALTER is found, with the operation that says it for both', async () => {
    const { id, findings: found } = await findings(`ALTER TABLE users ALTER COLUMN addr SET DEFAULT 'unknown'`);
    expect(found).toMatchObject([
      {
        code: 'altered_alone',
        severity: 'warning',
        file: `db/migrate/${id}.sql`,
        remedy: expect.stringContaining('setDefault'),
      },
    ]);
  });

  test('in a way that cannot be followed is found, too', async () => {
    expect((await findings('ALTER TABLE users RENAME TO people')).findings).toMatchObject([
      { code: 'PH2018', severity: 'error' },
      { code: 'raw_rename', severity: 'error' },
    ]);
  });

  test('by the operation is fine', async () => {
    const text = `import { alterType, setDefault } from 'triphase'; export const down = async () => undefined;
      export const up = async (knex) => { const on = '"public"."users"'; await setDefault(knex, { on, column: 'addr', expression: "'x'" }); await alterType(knex, { on, column: 'addr', type: 'varchar(40)' }); };`;
    expect((await findings(text, 'mjs')).findings).toEqual([]);
  });
});
