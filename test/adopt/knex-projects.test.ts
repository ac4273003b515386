import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeKnex } from '../support/knex.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "2.1.0"}' });
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const FIRST = '20200101000000_people';
const SECOND = '20210101000000_name';

/** Two migrations; the first one reads something beside it. */
function migrations(folder: string, extension = 'js'): void {
  project.write(`${folder}/shared.cjs.txt`, 'people');
  project.write(
    `${folder}/${FIRST}.${extension}`,
    `const { readFileSync } = require('node:fs');
const { join } = require('node:path');
exports.up = (knex) => knex.schema.createTable(readFileSync(join(__dirname, 'shared.cjs.txt'), 'utf8'), (t) => t.increments('id'));
exports.down = (knex) => knex.schema.dropTable('people');`,
  );
  project.write(
    `${folder}/${SECOND}.${extension}`,
    `exports.up = (knex) => knex.schema.table('people', (t) => t.text('name'));
exports.down = (knex) => knex.schema.table('people', (t) => t.dropColumn('name'));`,
  );
}

/** Runs the first migration with knex itself, as production has done. */
async function ranByKnex(config: Knex.MigratorConfig, more: Knex.Config = {}): Promise<void> {
  const knex = makeKnex({ client: 'pg', connection: database.url, migrations: config, ...more });
  await knex.migrate.up();
  await knex.destroy();
}

/** What is there is not run again, what is left runs, and a fresh database gets everything. */
async function expectAdopted({ ids = [FIRST, SECOND], table = 'people' } = {}): Promise<void> {
  const before = await project.json('status');
  expect(before.applied.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 1));
  expect(before.pending).toEqual(ids.slice(1));
  expect((await project.json('migrate')).applied).toEqual(ids.slice(1));
  const fresh = await createDatabase();
  try {
    expect((await project.json('migrate', '--database-url', fresh.url)).applied).toEqual(ids);
    const columns = `SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
      WHERE table_name = '${table}' ORDER BY 1, 2, 3`;
    expect(await fresh.sql(columns)).toEqual(await database.sql(columns));
  } finally {
    await fresh.drop();
  }
}

test('a knexfile with environments, folder and table: one command, and the first new migration belongs to the current release', async () => {
  migrations('schema', 'cjs');
  project.write(
    'knexfile.cjs',
    `module.exports = { development: { client: 'sqlite3' },
      production: { client: 'pg', migrations: { directory: './schema', tableName: 'run_by_knex', loadExtensions: ['.cjs'] } } };`,
  );
  await ranByKnex({ directory: `${project.root}/schema`, tableName: 'run_by_knex', loadExtensions: ['.cjs'] });
  const { files, baseline } = await project.json('init', '--from-knex');
  expect(files).toContain('db/releases/0.0.0.yml');
  expect(files.filter((file: string) => file.startsWith('db/migrate/2'))).toEqual([]);
  expect(baseline).toEqual({
    release: '0.0.0',
    migrations: 2,
    folders: ['schema'],
    inCode: 0,
    knexfile: 'knexfile.cjs',
    ranByKnex: 1,
    ranOnEmpty: true,
    problem: null,
  });
  expect(project.read('phase.config.ts')).toContain(`knexfile: 'knexfile.cjs'`);
  expect((await project.phase('migrate', '--dry-run')).stdout).toContain(`'${FIRST}', 'schema'`);
  await expectAdopted();
  const { files: added } = await project.json('new', 'schema', 'add_age');
  expect(added).toContain('db/releases/2.1.0.yml');
  project.write(added[0], `export const up = (knex) => knex.schema.table('people', (t) => t.integer('age'));`);
  await project.json('hash');
  expect((await project.json('migrate')).applied).toHaveLength(1);
});

test('in a package of a monorepo: found below, TypeScript, the connection and search path of the file, a schema for the table of knex', async () => {
  migrations('packages/server/src/db/migrations', 'ts');
  await database.sql('CREATE SCHEMA app; CREATE SCHEMA meta');
  project.write(
    'packages/server/src/db/knexfile.ts',
    `import type { Knex } from 'knex';
import { readFileSync } from 'node:fs';
// As knex loads it: from its own folder.
const { url } = JSON.parse(readFileSync('./connection.json', 'utf8'));
const config: { [environment: string]: Knex.Config } = {
  development: { client: 'postgresql', connection: url, searchPath: ['app', 'public'], migrations: { schemaName: 'meta', extension: 'ts' } },
};
export default config;`,
  );
  project.write('packages/server/src/db/connection.json', JSON.stringify({ url: database.url }));
  await ranByKnex(
    { directory: `${project.root}/packages/server/src/db/migrations`, schemaName: 'meta', loadExtensions: ['.ts'] },
    { searchPath: ['app', 'public'] },
  );
  project.write(
    'db/shadow/schemas.sql',
    'CREATE SCHEMA app; CREATE ROLE triphase_test_reader; GRANT USAGE ON SCHEMA app TO triphase_test_reader',
  );
  const { baseline } = await project.json('init', '--from-knex');
  expect(baseline).toMatchObject({ knexfile: 'packages/server/src/db/knexfile.ts', ranOnEmpty: true });
  project.url = undefined;
  const before = await project.json('status');
  expect([before.applied.length, before.pending]).toEqual([1, [SECOND]]);
  await project.json('migrate');
  const columns = await database.sql(
    `SELECT table_schema, column_name FROM information_schema.columns WHERE table_name = 'people' ORDER BY 2`,
  );
  expect(columns).toEqual([
    { table_schema: 'app', column_name: 'id' },
    { table_schema: 'app', column_name: 'name' },
  ]);
});

test('a migrator that is configured in code: folder and table by flags', async () => {
  migrations('src/migrations');
  await ranByKnex({ directory: `${project.root}/src/migrations`, tableName: 'Runs' });
  await project.json('init', '--from-knex', '--directory', 'src/migrations', '--table', '"Runs"');
  expect(project.read('phase.config.ts')).toContain(`knexMigrations: '"Runs"'`);
  await expectAdopted();
});

test('folders that are sorted apart run in the order of knex, whatever their names', async () => {
  project.write(
    'b/1_people.js',
    `exports.up = (knex) => knex.schema.createTable('people', (t) => t.increments('id')); exports.down = () => {};`,
  );
  project.write(
    'a/2_name.js',
    `exports.up = (knex) => knex.schema.table('people', (t) => t.text('name')); exports.down = () => {};`,
  );
  project.write(
    'a/0_age.js',
    `exports.up = (knex) => knex.schema.table('people', (t) => t.integer('age')); exports.down = () => {};`,
  );
  const settings = { directory: ['./b', './a'], sortDirsSeparately: true };
  project.write('knexfile.js', `module.exports = { client: 'pg', migrations: ${JSON.stringify(settings)} };`);
  await ranByKnex({ ...settings, directory: [`${project.root}/b`, `${project.root}/a`] });
  await project.json('init', '--from-knex');
  await expectAdopted({ ids: ['1_people', '0_age', '2_name'] });
});

test('a package of version 0.0.0, as many in monorepos are, has its first new migration there', async () => {
  project.write('package.json', '{"name": "shop", "version": "0.0.0"}');
  migrations('migrations');
  await ranByKnex({ directory: `${project.root}/migrations` });
  const { baseline } = await project.json('init', '--from-knex');
  expect(baseline.release).toBe('0.0.0-baseline');
  await expectAdopted();
  await project.json('new', 'schema', 'add_age', '--sql');
  expect((await project.json('migrate')).applied).toHaveLength(1);
  expect((await project.json('status')).release).toBe('0.0.0');
  // Taken over once, whatever the version is by then.
  project.write('package.json', '{"name": "shop", "version": "1.0.0"}');
  const again = await project.json('init', '--from-knex', '--no-replay');
  expect([again.files, again.baseline.release]).toEqual([[], '0.0.0-baseline']);
});

test('any name that knex accepts; without transactions where knex has none', async () => {
  project.write(
    'migrations/2020-01-01T00:00 first one.js',
    `exports.up = (knex) => knex.schema.createTable('people', (t) => t.increments('id')); exports.down = () => {};`,
  );
  project.write(
    'migrations/9999999999999999_index.js',
    `exports.up = (knex) => knex.raw('CREATE INDEX CONCURRENTLY people_id ON people (id)'); exports.down = () => {};`,
  );
  project.write('knexfile.js', `module.exports = { client: 'pg', migrations: { disableTransactions: true } };`);
  await ranByKnex({ directory: `${project.root}/migrations`, disableTransactions: true });
  expect((await project.phase('init', '--from-knex')).stderr).not.toContain('by the text of their names');
  await expectAdopted({ ids: ['2020-01-01T00:00 first one', '9999999999999999_index'] });
});

test('a migration that ends its own transaction runs outside of one, as it has in effect with knex', async () => {
  project.write(
    'migrations/1_people.js',
    `exports.up = (knex) => knex.raw(\`
      CREATE TABLE people (id int);
      DO $$ BEGIN PERFORM 1; END $$;
      COMMIT;
    \`); exports.down = () => {};`,
  );
  project.write(
    'migrations/2_name.js',
    `exports.up = (knex) => knex.schema.table('people', (t) => t.text('name')); exports.down = () => {};`,
  );
  await ranByKnex({ directory: `${project.root}/migrations` });
  await project.json('init', '--from-knex');
  expect(project.read('db/releases/0.0.0.yml').match(/transaction: no/g)).toHaveLength(1);
  await expectAdopted({ ids: ['1_people', '2_name'] });
});

test('names are written as wrapIdentifier has it', async () => {
  project.write(
    'migrations/1_people.js',
    `exports.up = (knex) => knex.schema.createTable('people', (t) => t.increments('personId')); exports.down = () => {};`,
  );
  project.write(
    'migrations/2_name.js',
    `exports.up = (knex) => knex.schema.table('people', (t) => t.text('firstName')); exports.down = () => {};`,
  );
  const wrap = `(name, original) => original(name.replaceAll(/[A-Z]/g, (letter) => '_' + letter.toLowerCase()))`;
  project.write('knexfile.js', `module.exports = { client: 'pg', wrapIdentifier: ${wrap} };`);
  const wrapIdentifier: Knex.Config['wrapIdentifier'] = (name, original) =>
    original(name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  await ranByKnex({ directory: `${project.root}/migrations` }, { wrapIdentifier });
  await project.json('init', '--from-knex');
  expect((await project.phase('migrate', '--dry-run')).stdout).toContain('"first_name"');
  await expectAdopted({ ids: ['1_people', '2_name'] });
});

test('a migrationSource: by files that it names, and in code', async () => {
  project.write(
    'versions/2.10.0.js',
    `exports.up = (knex) => knex.schema.table('people', (t) => t.text('name')); exports.down = () => {};`,
  );
  const source = `class Source {
  async getMigrations() { return ['2.9.0', '2.10.0', 'last']; }
  getMigrationName(name) { return name; }
  async getMigration(name) {
    if (name === '2.9.0') return { up: (knex) => knex.schema.createTable('people', (t) => t.increments('id')), down: () => {} };
    if (name === 'last') return { up: (knex) => knex.schema.table('people', (t) => t.integer('age')), down: () => {} };
    return require('./versions/2.10.0.js');
  }
}`;
  project.write(
    'knexfile.js',
    `${source}\nmodule.exports = { staging: { client: 'pg', migrations: { migrationSource: new Source() } } };`,
  );
  const ran = await project.phase('init', '--from-knex', '--json');
  expect(JSON.parse(ran.stdout).baseline).toMatchObject({
    migrations: 3,
    inCode: 2,
    folders: ['versions'],
    ranOnEmpty: true,
  });
  expect(ran.stderr).toContain('2 migrations of the migrationSource have no file of that name');
  const up = {
    up: (knex: Knex): Knex.SchemaBuilder => knex.schema.createTable('people', (t) => t.increments('id')),
    down: async () => undefined,
  };
  const migrationSource = {
    getMigrations: async () => ['2.9.0'],
    getMigrationName: (name: string) => name,
    getMigration: async () => up,
  };
  await ranByKnex({ migrationSource });
  await expectAdopted({ ids: ['2.9.0', '2.10.0', 'last'] });
});

test('what a source has in code says how it is run, and has no way back where it has none', async () => {
  const source = `const made = {
  first: { up: (knex) => knex.raw('CREATE TABLE people (id int)') },
  second: { up: (knex) => knex.raw('CREATE INDEX CONCURRENTLY people_id ON people (id)'), config: { transaction: false }, down: (knex) => knex.raw('DROP INDEX people_id') },
};
const migrationSource = {
  // One that looks at what it is asked for.
  getMigrations: async (extensions) => (extensions.includes('.js') ? Object.keys(made) : []),
  getMigrationName: (name) => name,
  getMigration: async (name) => made[name],
};`;
  project.write('knexfile.js', `${source}\nmodule.exports = { client: 'pg', migrations: { migrationSource } };`);
  const { baseline } = await project.json('init', '--from-knex');
  expect(baseline).toMatchObject({ inCode: 2, ranOnEmpty: true });
  expect((await project.json('migrate')).applied).toEqual(['first', 'second']);
  expect((await project.json('rollback')).reverted).toEqual(['second']);
  const refused = await project.phase('rollback', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([4, 'PH2012']);
});

test('a connection that is a function is asked for each connection', async () => {
  migrations('migrations');
  project.write(
    'knexfile.js',
    `let asked = 0;
module.exports = { client: 'pg', connection: async () => { globalThis.askedForConnection = ++asked; return { connectionString: '${database.url}' }; } };`,
  );
  await project.json('init', '--from-knex', '--no-replay');
  project.url = undefined;
  expect((await project.json('migrate')).applied).toHaveLength(2);
  expect((globalThis as unknown as { askedForConnection: number }).askedForConnection).toBeGreaterThan(2);
});

test('versions that knex sorts by their text are pointed at', async () => {
  for (const version of ['2.10.0', '2.9.0'])
    project.write(`migrations/${version}.js`, 'exports.up = () => {}; exports.down = () => {};');
  const { stderr } = await project.phase('init', '--from-knex');
  expect(stderr).toContain('knex runs 2.10.0 before 2.9.0, by the text of their names');
});

test('a source that sorts by version, and names files without their ending', async () => {
  for (const [version, column] of [
    ['2.9.0', 'id'],
    ['2.10.0', 'name'],
  ]) {
    const sql = column === 'id' ? 'CREATE TABLE people (id int)' : 'ALTER TABLE people ADD COLUMN name text';
    project.write(`versions/${version}.js`, `exports.up = (knex) => knex.raw('${sql}'); exports.down = () => {};`);
  }
  project.write(
    'knexfile.js',
    `const { join } = require('node:path');
const directory = join(__dirname, 'versions');
const migrationSource = {
  getMigrations: async () => ['2.9.0', '2.10.0'].map((file) => ({ file, directory })),
  getMigrationName: ({ file }) => file + '.js',
  getMigration: ({ file }) => require(join(directory, file)),
};
module.exports = { client: 'pg', migrations: { migrationSource } };`,
  );
  await ranByKnex({
    migrationSource: {
      getMigrations: async () => ['2.9.0.js'],
      getMigrationName: (name: string) => name,
      getMigration: async () => ({
        up: (knex: Knex) => knex.raw('CREATE TABLE people (id int)'),
        down: async () => undefined,
      }),
    },
  });
  const { baseline } = await project.json('init', '--from-knex');
  expect(baseline).toMatchObject({ inCode: 0, folders: ['versions'], ranOnEmpty: true });
  await expectAdopted({ ids: ['2.9.0', '2.10.0'] });
});

test('pool.afterCreate prepares connections as it does for knex', async () => {
  migrations('migrations');
  project.write(
    'knexfile.js',
    `module.exports = { client: 'pg', pool: { afterCreate: (connection, done) => connection.query('SET search_path TO app', done) } };`,
  );
  await database.sql('CREATE SCHEMA app');
  project.write('db/shadow/app.sql', 'CREATE SCHEMA app');
  expect((await project.json('init', '--from-knex')).baseline.ranOnEmpty).toBe(true);
  await project.json('migrate');
  expect(
    await database.sql(`SELECT count(*)::int AS made FROM pg_tables WHERE schemaname = 'app' AND tablename = 'people'`),
  ).toEqual([{ made: 1 }]);
});

test('a failure of pool.afterCreate is said', async () => {
  migrations('migrations');
  project.write(
    'knexfile.js',
    `module.exports = { client: 'pg', pool: { afterCreate: (connection, done) => connection.query('SELECT nothing', done) } };`,
  );
  await project.json('init', '--from-knex', '--no-replay');
  const ran = await project.phase('migrate', '--json');
  expect([ran.code, ran.json.error.code]).toEqual([1, 'PH5028']);
  expect(ran.json.error.message).toContain('pool.afterCreate');
});

test('what does not run on an empty database is said when it is taken over', async () => {
  migrations('migrations');
  project.write(
    `migrations/20220101000000_view.js`,
    `exports.up = (knex) => knex.raw('CREATE VIEW v AS SELECT * FROM made_by_hand'); exports.down = () => {};`,
  );
  const ran = await project.phase('init', '--from-knex', '--json');
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.stdout).baseline).toMatchObject({
    ranOnEmpty: false,
    problem: expect.stringContaining('made_by_hand'),
  });
  project.write('db/shadow/by-hand.sql', 'CREATE TABLE made_by_hand (id int)');
  const again = await project.json('init', '--from-knex');
  expect([again.files, again.baseline.ranOnEmpty]).toEqual([[], true]);
});

const KNEXFILE = (environments: object): string => `module.exports = ${JSON.stringify(environments)};`;
/** What is there, how it is called, and what is said. */
type Refused = readonly [string, () => void, readonly string[], string, RegExp];
const REFUSED: readonly Refused[] = [
  ['no migrations', () => undefined, [], 'PH1028', /holds no migrations|cannot be listed/],
  [
    'a release that has a manifest',
    () => {
      project.write('migrations/1_a.js', '');
      project.write('db/releases/0.0.0.yml', 'release: 0.0.0\nstate: open\n');
    },
    [],
    'PH1011',
    /0\.0\.0\.yml/,
  ],
  [
    'several knexfiles below',
    () => {
      project.write('packages/a/knexfile.js', KNEXFILE({ client: 'pg' }));
      project.write('packages/b/knexfile.js', KNEXFILE({ client: 'pg' }));
    },
    [],
    'PH1028',
    /packages\/a\/knexfile\.js, packages\/b\/knexfile\.js/,
  ],
  ['another database', () => project.write('knexfile.js', KNEXFILE({ client: 'mysql2' })), [], 'PH1033', /mysql2/],
  [
    'several environments for PostgreSQL, of which none is meant',
    () => project.write('knexfile.js', KNEXFILE({ staging: { client: 'pg' }, production: { client: 'pg' } })),
    [],
    'PH1033',
    /staging, production/,
  ],
  [
    'an environment that there is not',
    () => project.write('knexfile.js', KNEXFILE({ staging: { client: 'pg' } })),
    ['--env', 'prod'],
    'PH1033',
    /no environment prod, but staging/,
  ],
  [
    'a knexfile that throws',
    () => project.write('knexfile.js', `throw new Error('DB_URL is missing');`),
    [],
    'PH1033',
    /DB_URL is missing/,
  ],
  [
    'two files of one name',
    () => {
      project.write('a/1_a.js', '');
      project.write('b/1_a.js', '');
    },
    ['--directory', 'a', '--directory', 'b'],
    'PH1028',
    /a\/1_a\.js and b\/1_a\.js/,
  ],
];
test.each(REFUSED)('with %s it is refused, and nothing is written', async (_what, make, flags, code, why) => {
  make();
  const before = project.files();
  const ran = await project.phase('init', '--from-knex', ...flags, '--json');
  expect([ran.code, ran.json.error.code]).toEqual([2, code]);
  expect(`${ran.json.error.message} ${ran.json.error.why}`).toMatch(why);
  expect(project.files()).toEqual(before);
});

test('flags that say how are refused where nothing is taken over', async () => {
  const ran = await project.phase('init', '--table', 'x', '--json');
  expect([ran.code, ran.json.error.code]).toEqual([2, 'PH1001']);
});
