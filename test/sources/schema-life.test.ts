import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, serverUrl, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
  await addMigration(
    project,
    '1.0.0',
    'users',
    'CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);\n-- phase:down\nDROP TABLE users;\n',
  );
  await project.json('migrate', '--release', '1.0.0');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const configure = (config: object) =>
  project.write('phase.config.json', JSON.stringify({ ...JSON.parse(project.read('phase.config.json')), ...config }));
const pending = async (sql: string) => {
  if (!project.read('db/releases/1.0.0.yml').includes('state: released')) await project.json('release', 'cut', '1.0.0');
  return addMigration(project, '1.1.0', 'pending', sql);
};

test('phase dump writes what migrations give, says whether it would change, and what it wrote loads with its ledger', async () => {
  expect(await project.json('dump')).toEqual({ file: 'db/structure.sql', changed: true, missing: [] });
  expect((await project.phase('dump', '--check')).code).toBe(0);
  await pending('ALTER TABLE users ADD COLUMN name text;');
  const checked = await project.phase('dump', '--check', '--json');
  expect([checked.code, checked.json.changed]).toEqual([7, true]);
  expect(project.read('db/structure.sql')).not.toContain('"name"');
  await project.json('dump', '--release', '1.0.0', '--out', 'old.sql');
  expect(project.read('old.sql')).toBe(project.read('db/structure.sql'));
  await project.json('dump');

  const fresh = await createDatabase();
  project.url = fresh.url;
  expect(await project.json('db', 'load')).toMatchObject({ database: new URL(fresh.url).pathname.slice(1) });
  expect((await project.json('migrate', '--release', '1.1.0')).applied).toEqual([]);
  expect((await project.phase('drift', '--json')).json).toMatchObject({ ok: true, differences: [] });
  const again = await project.phase('db', 'load', '--json');
  expect([again.code, again.json.error.code]).toEqual([4, 'PH2028']);
  await fresh.drop();
});

test('phase dump loads what it writes, and says what that does not hold', async () => {
  await pending(
    'CREATE TABLE a (a int); CREATE TABLE b (b int); CREATE TABLE ab () INHERITS (a, b);\n-- phase:down\nDROP TABLE ab, a, b;\n',
  );
  const { code, json, stderr } = await project.phase('dump', '--json');
  expect(code).toBe(0);
  expect(json.missing.join('\n')).toMatch(/- relation \| public\.ab .*inherits public\.a,public\.b/);
  expect(stderr).toContain('db/structure.sql does not hold all of the schema');
});

test('phase drift names what was made, changed and dropped by hand, and brings it back; what is meant is left out', async () => {
  expect((await project.phase('drift')).stdout).toContain('is what its ledger says');
  await database.sql(
    'CREATE TABLE tmp_dba (id int); ALTER TABLE users ALTER COLUMN email DROP NOT NULL; CREATE INDEX dba_users ON users (email)',
  );
  const { code, json } = await project.phase('drift', '--json');
  expect(code).toBe(7);
  expect(json.differences.map(({ object, kind }: Record<string, string>) => [object, kind])).toEqual(
    expect.arrayContaining([
      ['table public.tmp_dba', 'unexpected'],
      ['index public.dba_users', 'unexpected'],
      ['column public.users.email', 'changed'],
    ]),
  );
  configure({ drift: { ignore: [{ object: 'table public.tmp_*', reason: 'of the administrators' }] } });
  const less = await project.phase('drift', '--json', '--ignore', 'index public.dba_*');
  expect(less.json.differences.map(({ object }: { object: string }) => object)).toEqual(['column public.users.email']);
  expect(less.json.ignored).toHaveLength(2);
  const checked = await project.phase('check', '--json');
  expect(checked.json.findings).toEqual([
    expect.objectContaining({ message: 'index public.dba_users is in the database, and no migration has made it.' }),
    expect.objectContaining({ code: 'drift', severity: 'warning', remedy: expect.stringContaining('SET NOT NULL') }),
  ]);
  configure({ check: { rules: { drift: 'off' } } });
  expect((await project.phase('check', '--json')).json.findings).toEqual([]);
  await database.sql(less.json.differences[0].statement);
  await database.sql('DROP INDEX dba_users');
  expect((await project.phase('drift')).code).toBe(0);
});

test('whoever migrates may be called anything: the database of a role that is no superuser has no drift, and another owner is one', async () => {
  const role = `shop_${new URL(database.url).pathname.slice(1)}`;
  const own = await createDatabase();
  const url = new URL(own.url);
  url.username = role;
  await own.sql(`CREATE ROLE ${role} LOGIN; ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${role}`);
  try {
    project.url = url.href;
    await project.json('migrate', '--release', '1.0.0');
    await pending(
      `CREATE EXTENSION citext;\nCREATE TABLE notes (id int PRIMARY KEY);\nCREATE TABLE logs (id int);\nGRANT SELECT ON users TO PUBLIC;\n-- phase:down\nDROP TABLE notes, logs;\nDROP EXTENSION citext;\n`,
    );
    await project.json('migrate', '--release', '1.1.0');
    expect((await project.phase('drift', '--json')).json).toMatchObject({ ok: true, differences: [] });
    await own.sql('ALTER TABLE logs OWNER TO CURRENT_USER; GRANT DELETE ON users TO PUBLIC');
    const { json } = await project.phase('drift', '--json');
    const objects = json.differences.map(({ object }: { object: string }) => object);
    expect(objects).toEqual(
      expect.arrayContaining(['privileges of PUBLIC on table public.users', 'relation public.logs r']),
    );
    expect(objects.join()).not.toContain('notes');
  } finally {
    await own.drop();
    await database.sql(`DROP ROLE ${role}`);
  }
});

test('a role in the configuration, which owns what is made, is no drift, and dump holds all', async () => {
  const role = `owner_${new URL(database.url).pathname.slice(1)}`;
  const own = await createDatabase();
  await own.sql(`CREATE ROLE ${role}; ALTER DATABASE ${new URL(own.url).pathname.slice(1)} OWNER TO ${role}`);
  try {
    project.url = own.url;
    configure({ role });
    await project.json('migrate', '--release', '1.0.0');
    expect((await project.phase('drift', '--json')).json).toMatchObject({ ok: true, differences: [] });
    expect((await project.json('dump')).missing).toEqual([]);
    const { json } = await project.phase('verify', '--to', 'migrations', '--json');
    expect(json).toMatchObject({ ok: true });
  } finally {
    await own.drop();
    await database.sql(`DROP ROLE IF EXISTS ${role}`).catch(() => undefined);
  }
});

test('with drift.beforeMigrate nothing is migrated that was changed by hand', async () => {
  await pending('ALTER TABLE users ADD COLUMN name text;');
  configure({ drift: { beforeMigrate: true } });
  await database.sql('CREATE INDEX dba_users ON users (email)');
  const refused = await project.phase('migrate', '--release', '1.1.0', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2027']);
  await database.sql('DROP INDEX dba_users');
  expect((await project.json('migrate', '--release', '1.1.0')).applied).toHaveLength(1);
});

test('phase verify runs what is pending on a clone, there and back, and leaves the database alone', async () => {
  await pending('ALTER TABLE users ADD COLUMN name text;\n-- phase:down\nALTER TABLE users DROP COLUMN name;\n');
  await project.json('dump');
  const { code, json } = await project.phase('verify', '--json');
  expect(json).toMatchObject({ ok: true, differences: [], down: { irreversible: null, differences: [] }, rows: null });
  expect([code, json.applied.length, json.down.reverted.length]).toEqual([0, 1, 1]);
  expect(
    await database.sql("SELECT FROM information_schema.columns WHERE column_name = 'name' AND table_name = 'users'"),
  ).toEqual([]);

  project.write('db/structure.sql', project.read('db/structure.sql').replace('"name" text', '"name" varchar(10)'));
  const differs = await project.phase('verify', '--json');
  expect(differs.code).toBe(7);
  expect(differs.json.differences).toMatchObject([{ object: 'column public.users.name', kind: 'changed' }]);
});

test('a way back that leaves something, and rows that are lost, are said', async () => {
  await database.sql("INSERT INTO users VALUES (1, 'a@x'), (2, 'b@x')");
  await pending(
    "ALTER TABLE users ADD COLUMN name text; UPDATE users SET email = 'gone'; DELETE FROM users WHERE id = 2;\n-- phase:down\nSELECT 1;\n",
  );
  await project.json('dump');
  const { code, json } = await project.phase('verify', '--json', '--rows');
  expect([code, json.ok]).toEqual([7, false]);
  expect(json.down.differences.join('\n')).toContain('name');
  expect(json.rows).toEqual([
    expect.stringMatching(/_pending: .* has 1 rows, and had 2$/),
    expect.stringMatching(/^after the way back: .* has 1 rows, and had 2$/),
  ]);
  expect(await database.sql('SELECT count(*)::int AS n FROM users')).toEqual([{ n: 2 }]);
});

test('without a database the released migrations are what is there', async () => {
  await pending('ALTER TABLE users ADD COLUMN name text;');
  await project.json('dump');
  const { json } = await project.phase('verify', '--json', '--from', 'migrations');
  expect(json).toMatchObject({ ok: true, down: { reverted: [], irreversible: json.applied[0] } });
});

test('phase sync and db reset are for development alone', async () => {
  project.write('wanted.sql', 'CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, name text);');
  for (const command of [
    ['sync', '--to', 'wanted.sql', '--yes'],
    ['db', 'reset', '--yes'],
    ['db', 'drop', '--yes'],
    ['db', 'seed'],
  ]) {
    const refused = await project.phase(...command, '--json');
    expect([command[0], refused.code, refused.json.error.code]).toEqual([command[0], 4, 'PH2026']);
  }
  configure({
    environments: {
      local: { urlVariable: 'LOCAL_URL', development: true },
      live: { urlVariable: 'LIVE_URL', forwardOnly: true },
    },
  });
  project.env = { LOCAL_URL: database.url, LIVE_URL: `${serverUrl()}?live` };
  expect(await project.json('sync', '--to', 'wanted.sql', '--yes')).toMatchObject({ applied: true });
  expect((await project.phase('sync', '--to', 'wanted.sql', '--yes')).stdout).toContain('no difference');
  project.write('less.sql', 'CREATE TABLE users (id bigint PRIMARY KEY, name text, born date);');
  expect((await project.phase('sync', '--to', 'less.sql', '--yes')).stdout).toContain(
    'column public.users.email stays as it is',
  );
  const live = await project.phase('sync', '--environment', 'live', '--to', 'wanted.sql', '--yes', '--json');
  expect(live.json.error.code).toBe('PH2026');
  const unknown = await project.phase('sync', '--environment', 'liv', '--to', 'wanted.sql', '--yes', '--json');
  expect([unknown.code, unknown.json.error.code]).toEqual([2, 'PH1037']);
  project.env = { LOCAL_URL: database.url };
  const unset = await project.phase('status', '--environment', 'live', '--json');
  expect([unset.code, unset.json.error.code]).toEqual([2, 'PH1038']);
});

test('db reset makes the database anew, with its seeds', async () => {
  configure({ environments: { local: { urlVariable: 'DATABASE_URL', development: true } } });
  await project.json('dump');
  project.write('db/seeds/1_users.sql', "INSERT INTO users VALUES (1, 'what?@x');");
  project.write('db/seeds/2_more.mjs', 'export const seed = (knex) => knex("users").insert({ id: 2, email: "b@x" });');
  await database.sql('CREATE TABLE left_over (id int)');
  await project.json('db', 'reset', '--yes');
  const fresh = await createDatabase();
  await fresh.drop();
  const status = await project.json('status');
  expect(status.pending).toEqual([]);
  expect((await project.phase('diff', '--json', '--from', 'database', '--to', 'migrations')).json.statements).toEqual(
    [],
  );
  project.write('db/seeds/3_wrong.sql', 'INSERT INTO nowhere VALUES (1);');
  const failed = await project.phase('db', 'seed', '--json');
  expect(failed.json.error.code).toBe('PH5032');
  expect(await project.json('db', 'drop', '--yes')).toMatchObject({ done: [expect.stringContaining('dropped')] });
  expect(await project.json('db', 'create')).toMatchObject({ done: [expect.stringContaining('created')] });
  expect(await project.json('db', 'load', '--from', 'migrations')).toMatchObject({
    done: [expect.stringContaining('1 migration')],
  });
});

test('nothing is undone in an environment that is forwardOnly', async () => {
  configure({ environments: { live: { urlVariable: 'DATABASE_URL', forwardOnly: true } } });
  const refused = await project.phase('rollback', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2025']);
});
