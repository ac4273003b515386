import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeKnex } from '../support/knex.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "bank", "version": "1.0.0"}' });
  project.write(
    'migrations/20200101000000_accounts.js',
    `exports.up = async (knex) => {
  await knex.raw('CREATE TABLE IF NOT EXISTS accounts (id serial PRIMARY KEY, balance int)');
  await knex('accounts').insert({ balance: 5 });
};
exports.down = () => undefined;`,
  );
  project.write('migrations/20200102000000_cents.js', CENTS);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const CENTS = `exports.up = (knex) => knex.raw('UPDATE accounts SET balance = balance * 100'); exports.down = () => undefined;`;
const balances = async (): Promise<number[]> =>
  (await database.sql('SELECT balance FROM accounts ORDER BY id')).map(({ balance }) => balance);

async function byKnex(config: Knex.MigratorConfig = {}): Promise<void> {
  const migrations = { directory: join(project.root, 'migrations'), ...config };
  const knex = makeKnex({ client: 'pg', connection: database.url, migrations });
  await knex.migrate.latest();
  await knex.destroy();
}

const knexfile = (more: object = {}): void =>
  project.write('knexfile.js', `module.exports = ${JSON.stringify({ client: 'pg', ...more })};`);

test('a file that was renamed after it has run does not run again', async () => {
  knexfile();
  await byKnex();
  renameSync(
    join(project.root, 'migrations/20200102000000_cents.js'),
    join(project.root, 'migrations/20200102000000_to_cents.js'),
  );
  const ran = await project.phase('init', '--from-knex', '--no-replay', '--json');
  expect([ran.code, ran.json.baseline.ranByKnex]).toEqual([0, 1]);
  expect(ran.stderr).toContain('knex_migrations names 20200102000000_cents, which no manifest lists');
  for (const command of ['plan', 'migrate']) {
    const refused = await project.phase(command, '--json');
    expect([refused.code, refused.json.error.code]).toEqual([5, 'PH3026']);
  }
  renameSync(
    join(project.root, 'migrations/20200102000000_to_cents.js'),
    join(project.root, 'migrations/20200102000000_cents.js'),
  );
  const before = await project.phase('init', '--from-knex', '--json');
  expect([before.json.error.code, before.json.error.why]).toEqual([
    'PH1028',
    expect.stringContaining('20200102000000_to_cents'),
  ]);
  project.delete('db/releases/0.0.0.yml');
  expect((await project.json('init', '--from-knex', '--no-replay')).baseline.ranByKnex).toBe(2);
  expect((await project.json('migrate')).applied).toEqual([]);
  expect(await balances()).toEqual([500]);
});

test('what is gone on purpose is said as knex wants it', async () => {
  knexfile({ migrations: { disableMigrationsListValidation: true } });
  await byKnex();
  project.delete('migrations/20200101000000_accounts.js');
  await project.json('init', '--from-knex', '--no-replay');
  await project.json('new', 'schema', 'more', '--sql');
  expect((await project.json('migrate')).applied).toHaveLength(1);
  expect(await balances()).toEqual([500]);
});

test('what a teammate runs with knex meanwhile does not run twice', async () => {
  knexfile();
  project.delete('migrations/20200102000000_cents.js');
  await byKnex();
  await project.json('init', '--from-knex', '--no-replay');
  await project.json('migrate');
  project.write('migrations/20200102000000_cents.js', CENTS);
  await byKnex();
  const found = await project.phase('check', '--no-replay', '--json');
  expect(found.json.findings).toMatchObject([
    {
      code: 'unlisted_file',
      file: 'migrations/20200102000000_cents.js',
      remedy: expect.stringContaining('db/migrate'),
    },
  ]);
  const again = await project.phase('init', '--from-knex', '--json');
  expect([again.code, again.json.error.code]).toEqual([2, 'PH1028']);
  expect(again.json.error.why).toContain('migrations/20200102000000_cents.js');
  renameSync(
    join(project.root, 'migrations/20200102000000_cents.js'),
    join(project.root, 'db/migrate/20200102000000_cents.js'),
  );
  await project.json('hash', '--no-replay');
  const refused = await project.phase('migrate', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([5, 'PH3027']);
  await project.json('resolve', '20200102000000_cents', '--applied');
  expect((await project.json('migrate')).applied).toEqual([]);
  expect(await balances()).toEqual([500]);
});

test('a table that is not the one is found out before the baseline runs', async () => {
  await byKnex({ tableName: 'schema_migrations' });
  const ran = await project.phase('init', '--from-knex', '--no-replay', '--json');
  expect(ran.stderr).toContain('There is no table knex_migrations');
  const refused = await project.phase('migrate', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2023']);
  expect(await balances()).toEqual([500]);
  project.write('phase.config.ts', `export default { knexMigrations: 'schema_migrations' };`);
  expect((await project.json('status')).pending).toEqual([]);
});

test('a database whose tables are others gets the baseline when that is said', async () => {
  knexfile();
  await database.sql('CREATE TABLE others (id int)');
  await project.json('init', '--from-knex', '--no-replay');
  expect((await project.phase('migrate')).code).toBe(4);
  expect((await project.json('migrate', '--run-baseline')).applied).toHaveLength(2);
});

test('what knex has run is not undone, and what phase has run is', async () => {
  knexfile();
  await byKnex();
  await project.json('init', '--from-knex', '--no-replay');
  const refused = async (...flags: string[]): Promise<unknown[]> => {
    const ran = await project.phase('rollback', ...flags, '--json');
    return [ran.code, ran.json.error?.code];
  };
  expect(await refused()).toEqual([4, 'PH2024']);
  const { files } = await project.json('new', 'schema', 'more', '--sql');
  project.write(files[0], 'CREATE TABLE more (id int);\n-- phase:down\nDROP TABLE more;');
  await project.json('hash', '--no-replay');
  await project.json('migrate');
  expect(await refused('--steps', '2')).toEqual([4, 'PH2024']);
  expect((await project.json('rollback')).reverted).toHaveLength(1);
  expect(await refused()).toEqual([4, 'PH2024']);
  expect(await balances()).toEqual([500]);
});

test('what knex keeps of its own is no drift', async () => {
  knexfile();
  await byKnex();
  await project.json('init', '--from-knex', '--no-replay');
  await project.json('migrate');
  expect((await project.phase('drift', '--json')).json).toMatchObject({ ok: true, differences: [] });
});

test('while knex holds its lock nothing runs', async () => {
  knexfile();
  await byKnex();
  await project.json('init', '--from-knex', '--no-replay');
  await project.json('new', 'schema', 'more', '--sql');
  await database.sql('UPDATE knex_migrations_lock SET is_locked = 1');
  const refused = await project.phase('migrate', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([6, 'PH4004']);
  await database.sql('UPDATE knex_migrations_lock SET is_locked = 0');
  expect((await project.json('migrate')).applied).toHaveLength(1);
});

test('migrations that were taken over may name an old column for ever', async () => {
  knexfile();
  await byKnex();
  await project.json('init', '--from-knex', '--no-replay');
  const flags = [
    '--table',
    'accounts',
    '--from',
    'balance',
    '--to',
    'cents',
    '--releases',
    '1.1.0,1.2.0,1.3.0',
    '--yes',
  ];
  await project.json('new', 'rename-column', ...flags);
  for (const release of ['1.1.0', '1.2.0']) await project.json('release', 'cut', release);
  project.write('package.json', '{"name": "bank", "version": "1.2.0"}');
  expect(await project.json('check', '--no-replay')).toMatchObject({ ok: true });
  project.write('src/code.js', 'export const of = (account) => account.balance;');
  const found = await project.phase('check', '--no-replay', '--json');
  expect(found.json.findings).toMatchObject([{ code: 'old_name', file: 'src/code.js' }]);
});

test('knex has its place and parameters in migrations, as it has by itself', async () => {
  project.write(
    'migrations/20200103000000_asks.js',
    `exports.up = async (knex) => {
  const { user } = knex.client.config.connection;
  await knex.raw('COMMENT ON TABLE accounts IS ' + knex.raw('?', [knex.client.database() + ' ' + user + ' ' + knex.userParams.tenant]).toQuery());
};
exports.down = () => undefined;`,
  );
  knexfile({ userParams: { tenant: 'acme' } });
  await project.json('init', '--from-knex', '--no-replay');
  await project.json('migrate');
  const [{ comment }] = await database.sql(`SELECT obj_description('accounts'::regclass) AS comment`);
  const { pathname, username } = new URL(database.url);
  expect(comment).toBe(`${pathname.slice(1)} ${username} acme`);
});

test('NODE_ENV goes before the environment of the configuration, where the knexfile has it', async () => {
  const before = process.env.NODE_ENV;
  const other = await createDatabase();
  const migrations = { directory: './migrations' };
  project.write(
    'knexfile.js',
    `module.exports = ${JSON.stringify({
      staging: { client: 'pg', connection: database.url, migrations },
      production: { client: 'pg', connection: other.url, migrations },
    })};`,
  );
  project.url = undefined;
  try {
    await project.json('init', '--from-knex', '--env', 'staging', '--no-replay');
    expect(project.read('phase.config.ts')).toContain(`knexEnvironment: 'staging'`);
    process.env.NODE_ENV = 'production';
    await project.json('migrate');
    expect(await other.sql('SELECT balance FROM accounts')).toEqual([{ balance: 500 }]);
    expect(await database.sql(`SELECT to_regclass('accounts') AS there`)).toEqual([{ there: null }]);
    process.env.NODE_ENV = 'test';
    await project.json('migrate');
    expect(await balances()).toEqual([500]);
  } finally {
    process.env.NODE_ENV = before;
    await other.drop();
  }
});
