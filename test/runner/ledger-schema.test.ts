import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';

let database: TestDatabase;
let project: TestProject;

beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"version": "99.0.0"}' });
  await project.json('init');
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const withLedger = (schema: string): void =>
  project.write('phase.config.ts', `export default { ledgerSchema: ${JSON.stringify(schema)} };`);

/** Relations, functions and sequences of a schema, by name. */
const namesIn = (schema: string): Promise<string[]> =>
  database
    .sql(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'S', 'v')
       UNION SELECT proname FROM pg_proc WHERE pronamespace = $1::regnamespace ORDER BY 1`,
      [schema],
    )
    .then((rows) => rows.map(({ name }) => name));

async function scaffold(): Promise<void> {
  await project.json(
    ...['new', 'rename-column', '--table', 'phase.users', '--from', 'old', '--to', 'new'],
    ...['--releases', [R1, R2, R3].join(), '--yes'],
  );
  for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
}

/** An application whose own schema is called phase. */
const OWN_PHASE = `CREATE SCHEMA phase; CREATE TABLE phase.users (id int PRIMARY KEY, old text UNIQUE);
  INSERT INTO phase.users SELECT n, 'v' || n FROM generate_series(1, 10) AS n;
  CREATE VIEW phase.names AS SELECT old FROM phase.users`;

test('a ledger in a schema of another name carries a rename through, and the schema phase is the application’s', async () => {
  await database.sql(OWN_PHASE);
  withLedger('op"s');
  await scaffold();
  const before = await namesIn('phase');
  await project.json('migrate', '--release', R1);
  expect((await database.sql(`SELECT count(*)::int AS rows FROM "op""s".migrations`))[0].rows).toBe(3);
  const stragglers = async () => (await project.json('status')).renames[0].stragglers;
  await project.json('finish');
  await project.json('migrate', '--release', R2);
  await database.sql(`UPDATE phase.users SET old = 'late' WHERE id = 1`);
  expect(await stragglers()).toBe(1);
  await project.json('wait', '--release', R2, '--timeout', '1');
  await project.json('finish', '--straggler-window', '0');
  await project.json('migrate', '--release', R3, '--straggler-window', '0');
  expect(await namesIn('phase')).toEqual(before);
  expect(await database.sql('SELECT new FROM phase.users WHERE id = 1')).toEqual([{ new: 'late' }]);
  await project.json('rollback', '--steps', '5');
  expect(await namesIn('phase')).toEqual(before);
  expect((await project.json('status')).applied).toEqual([]);
});

test('a dry run, tasks and audits know the schema', async () => {
  withLedger('ops');
  await project.json('new', 'data', 'fill', '--release', R1);
  const path = Object.keys(project.files()).find((file) => file.includes('_fill.')) ?? '';
  project.write(
    path,
    `export const up = (_knex, { dataChange }) => dataChange('fill', { key: 'id', pre: 'SELECT id, n FROM t', change: 'UPDATE t SET n = 1 RETURNING id, n', post: 'SELECT id, n FROM t' });
     export const down = async () => {};`,
  );
  project.write(
    'lib/tasks/tmp/count.ts',
    `export default { run: async (_knex, { inBatches }) => { await inBatches({ table: 't' }, async () => {}); } };`,
  );
  await database.sql('CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)');
  await project.json('hash', '--no-replay');
  const { stdout: script } = await project.phase('migrate', '--release', R1, '--dry-run');
  expect(script).toContain('INSERT INTO "ops".migrations');
  expect(script).not.toMatch(/\bphase\.\w|"phase"/);
  await project.json('migrate', '--release', R1);
  expect((await project.json('audit', 'verify')).audits).toHaveLength(3);
  await project.json('task', 'run', 'count');
  expect((await project.json('task', 'status', 'count')).runs).toHaveLength(1);
  expect(await database.sql(`SELECT to_regnamespace('phase') IS NULL AS none`)).toEqual([{ none: true }]);
});

test('two ledgers of one database are apart, and neither is a part of the application', async () => {
  await database.sql('CREATE TABLE t (old text); CREATE SCHEMA one; CREATE SCHEMA two');
  project.write('db/migrate/20260101000000_t.sql', 'CREATE TABLE u (id int);');
  await project.json('hash', '--no-replay');
  for (const tenant of ['one', 'two']) {
    withLedger(`ledger_of_${tenant}`);
    project.url = `${database.url}?options=${encodeURIComponent(`-c search_path=${tenant}`)}`;
    expect((await project.json('migrate', '--release', '99.0.0')).applied).toHaveLength(1);
  }
  expect(await namesIn('two')).toEqual(['u']);
});

test('a ledger that lists migrations of the project and is in another schema is refused, with the way to it', async () => {
  project.write('db/migrate/20260101000000_t.sql', 'CREATE TABLE u (id int);');
  await project.json('hash', '--no-replay');
  await project.json('migrate', '--release', '99.0.0');
  withLedger('ops');
  for (const command of ['migrate', 'rollback']) {
    const { code, json } = await project.phase(
      command,
      ...(command === 'migrate' ? ['--release', '99.0.0'] : ['--steps', '1']),
      '--json',
    );
    expect([code, json.error.code, json.error.details]).toEqual([
      5,
      'PH3024',
      { wanted: 'ops', schema: 'phase', id: '20260101000000_t' },
    ]);
    expect(json.error.remedy).toContain("ledgerSchema: 'phase'");
  }
  expect(await database.sql(`SELECT to_regnamespace('ops') IS NULL AS none`)).toEqual([{ none: true }]);
  withLedger('phase');
  expect((await project.json('migrate', '--release', '99.0.0')).applied).toEqual([]);
});

test('a rename that was scaffolded for another schema of the ledger keeps what counts its stragglers there', async () => {
  await database.sql('CREATE SCHEMA app; CREATE TABLE app.users (id int PRIMARY KEY, old text)');
  await project.json(
    ...['new', 'rename-column', '--table', 'app.users', '--from', 'old', '--to', 'new'],
    ...['--releases', [R1, R2, R3].join(), '--yes'],
  );
  for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
  withLedger('ops');
  for (const release of [R1, R2]) {
    await project.json('migrate', '--release', release);
    await project.json('finish');
  }
  await database.sql(`INSERT INTO app.users (id, old) VALUES (1, 'a')`);
  expect((await project.json('status')).renames[0].stragglers).toBe(1);
});

test.each([
  ['public', 'takes a schema of its own'],
  ['pg_toast', 'takes a schema of its own'],
  ['', 'takes the name of a schema'],
  ['x'.repeat(64), 'takes the name of a schema'],
])('the ledger is not put into %j', async (schema, reason) => {
  withLedger(schema);
  const { code, json } = await project.phase('status', '--json');
  expect([code, json.error.code, json.error.message]).toEqual([2, 'PH1003', expect.stringContaining(reason)]);
});

test('nothing is read from what a role of the application has put where the ledger would be', async () => {
  const [{ own }] = await database.sql('SELECT current_database() AS own');
  const { name: app } = await database.role();
  // A view runs its functions as whoever reads it; so does a table with an index, a policy or a trigger.
  const trap = (view: string, columns: string) =>
    `CREATE VIEW ${view} AS SELECT ${columns} FROM (SELECT app.trap() AS t) AS s`;
  await database.sql(`GRANT CREATE ON DATABASE ${own} TO ${app}; SET ROLE ${app};
    CREATE SCHEMA app; CREATE TABLE app.caught (who text); GRANT ALL ON SCHEMA app TO PUBLIC; GRANT ALL ON app.caught TO PUBLIC;
    CREATE FUNCTION app.trap() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.caught VALUES (current_user); RETURN 1; END $$;
    CREATE SCHEMA phase; ${trap('phase.ledger', 't AS format, false AS served_before')}; ${trap('phase.migrations', 't::text AS id')}; RESET ROLE`);
  project.write('db/migrate/20260101000000_t.sql', 'CREATE TABLE u (id int);');
  await project.json('hash', '--no-replay');
  const refused = async (...command: string[]) => {
    const { code, json } = await project.phase(...command, '--json');
    expect([command[0], code, json.error.code]).toEqual([command[0], 5, 'PH3025']);
    return json.error.remedy;
  };
  for (const command of [
    ['status'],
    ['plan', '--to', '99.0.0'],
    ['migrate', '--release', '99.0.0'],
    ['migrate', '--release', '99.0.0', '--dry-run'],
    ['wait', '--release', '99.0.0', '--timeout', '1'],
    ['audit', 'list'],
    ['task', 'status', 'x'],
    ['rollback', '--steps', '1'],
  ])
    expect(await refused(...command)).toContain(`GRANT "${app}" TO`);
  // Nor from another ledger, nor from what knex is said to have run.
  withLedger('ops');
  await database.sql(`GRANT CREATE ON SCHEMA public TO ${app}; SET ROLE ${app}; DROP VIEW phase.ledger, phase.migrations;
    CREATE TABLE phase.ledger (format int, served_before boolean, search_path text, target_schema text); ${trap('phase.migrations', "'20260101000000_t' || t AS id")};
    GRANT ALL ON SCHEMA phase TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA phase TO PUBLIC;
    ${trap('public.knex_migrations', 't::text AS name, now() AS migration_time')}; RESET ROLE`);
  expect(await refused('migrate', '--release', '99.0.0')).toContain('knexMigrations');
  await database.sql('DROP VIEW public.knex_migrations');
  await project.json('migrate', '--release', '99.0.0');
  // Everybody could add a table to it.
  await database.sql('GRANT CREATE ON SCHEMA ops TO PUBLIC');
  expect(await refused('status')).toContain('REVOKE CREATE ON SCHEMA "ops" FROM PUBLIC');
  await database.sql('REVOKE CREATE ON SCHEMA ops FROM PUBLIC');
  await project.json('status');
  expect(await database.sql('SELECT DISTINCT who FROM app.caught')).toEqual([]);
  await database.sql(`DROP OWNED BY ${app} CASCADE`);
});

test('who has made a role trusts it no more than any other: from 16 on it is a member of it in name', async () => {
  const [{ own }] = await database.sql('SELECT current_database() AS own');
  const { name: deployer, url } = await database.role();
  await database.sql(`ALTER ROLE ${deployer} CREATEROLE; GRANT CREATE ON DATABASE ${own} TO ${deployer}; SET ROLE ${deployer};
    CREATE ROLE ${deployer}_app; RESET ROLE; CREATE SCHEMA phase AUTHORIZATION ${deployer}_app`);
  project.url = url;
  const { code, json } = await project.phase('status', '--json');
  expect([code, json.error.code]).toEqual([5, 'PH3025']);
  // As it says: a plain GRANT would leave the membership as it is.
  const [grant = ''] = /GRANT [^.]+/.exec(json.error.remedy) ?? [];
  await database.sql(grant);
  await project.json('status');
  await database.sql(`DROP OWNED BY ${deployer}_app, ${deployer} CASCADE; DROP ROLE ${deployer}_app`);
});
