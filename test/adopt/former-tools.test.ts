import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

const USERS = 'CREATE TABLE "users" ("id" serial PRIMARY KEY, "name" text NOT NULL);';
const ROOT = `INSERT INTO "users" ("name") VALUES ('root');`;
const INDEX = 'CREATE INDEX "users_name" ON "users" ("name");';

interface Tool {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** Runs the first migrations, or all of them, as the tool does. */
  readonly run: (project: TestProject, database: TestDatabase, count?: number) => Promise<unknown>;
  /** A row of one that nobody knows. */
  readonly stranger: string;
}

const PRISMA_TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" ("id" varchar(36) PRIMARY KEY, "checksum" varchar(64) NOT NULL, "finished_at" timestamptz, "migration_name" varchar(255) NOT NULL,
  "logs" text, "rolled_back_at" timestamptz, "started_at" timestamptz NOT NULL DEFAULT clock_timestamp(), "applied_steps_count" integer NOT NULL DEFAULT 0)`;
const prismaRow = (name: string, finished = 'now()', rolledBack = 'NULL') =>
  `INSERT INTO "_prisma_migrations" VALUES (gen_random_uuid(), 'x', ${finished}, '${name}', NULL, ${rolledBack}, clock_timestamp(), 1)`;

const TOOLS: readonly Tool[] = [
  {
    name: 'node-pg-migrate',
    files: {
      'migrations/1700000000000_users.js': `exports.up = (pgm) => {
  pgm.createTable('users', { id: 'id', name: { type: 'text', notNull: true } });
  pgm.sql("INSERT INTO users (name) VALUES ('root')");
};`,
      'migrations/1700000001000_index.sql': `-- Up Migration\n${INDEX}\n-- Down Migration\nDROP INDEX users_name;\n`,
    },
    run: async (project, database, count = 2) =>
      execFileSync(
        process.execPath,
        [join(repository, 'node_modules/.bin/node-pg-migrate'), 'up', String(count), '--no-verbose'],
        { cwd: project.root, env: { ...process.env, DATABASE_URL: database.url } },
      ),
    stranger: `INSERT INTO pgmigrations (name, run_on) VALUES ('1700000002000_more', now())`,
  },
  {
    name: 'prisma',
    files: {
      'prisma/migrations/migration_lock.toml': '# Please do not edit\nprovider = "postgresql"\n',
      'prisma/migrations/20240101000000_users/migration.sql': `-- CreateTable\n${USERS}\n${ROOT}\n`,
      'prisma/migrations/20240102000000_index/migration.sql': `-- CreateIndex\n${INDEX}\n`,
    },
    run: async (_project, { sql }, count = 2) => {
      await sql(PRISMA_TABLE);
      await sql(`${USERS} ${ROOT} ${prismaRow('20240101000000_users')}`);
      // The second one has failed once, and was marked so.
      await sql(prismaRow('20240102000000_index', 'NULL', count === 2 ? 'now()' : 'NULL'));
      if (count === 2) await sql(`${INDEX} ${prismaRow('20240102000000_index')}`);
    },
    stranger: prismaRow('20240103000000_more'),
  },
  {
    name: 'drizzle',
    files: {
      'src/db/meta/_journal.json': JSON.stringify({
        version: '7',
        dialect: 'postgresql',
        entries: [
          { idx: 0, version: '7', when: 1_700_000_000_001, tag: '0000_users', breakpoints: true },
          { idx: 1, version: '7', when: 1_700_000_000_002, tag: '0001_index', breakpoints: true },
        ],
      }),
      'src/db/0000_users.sql': `${USERS}\n--> statement-breakpoint\n${ROOT}`,
      'src/db/0001_index.sql': INDEX,
    },
    run: async (_project, { sql }, count = 2) => {
      await sql(
        'CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)',
      );
      await sql(
        `${USERS} ${ROOT} INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('a', 1700000000001)`,
      );
      if (count === 2)
        await sql(`${INDEX} INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('b', 1700000000002)`);
    },
    stranger: `INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('c', 1700000000003)`,
  },
];

let old: TestDatabase;
let fresh: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  [old, fresh] = await Promise.all([createDatabase(), createDatabase()]);
  project = new TestProject(old.url, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
  symlinkSync(join(repository, 'node_modules'), join(project.root, 'node_modules'));
});
afterEach(async () => {
  project.remove();
  await Promise.all([old.drop(), fresh.drop()]);
});

describe.each(TOOLS)('from $name', ({ name, files, run, stranger }) => {
  beforeEach(() => {
    for (const [path, text] of Object.entries(files)) project.write(path, text);
  });

  test('a baseline stands for its migrations: where they ran it counts as applied, a fresh database begins from it, and both are equal', async () => {
    await run(project, old);
    const { baseline } = await project.json('init', `--from-${name}`);
    expect(baseline).toMatchObject({ release: '0.0.0', tool: name, migrations: 2, ranBefore: 2 });
    expect((await project.json('status')).applied.map(({ id }: { id: string }) => id)).toEqual([
      '00000000000000_baseline_0.0.0',
      '00000000000000_baseline_0.0.0_rows',
    ]);
    expect((await project.json('migrate')).applied).toEqual([]);
    expect((await project.phase('drift', '--json')).json).toMatchObject({ ok: true });
    await addMigration(project, '1.0.0', 'age', 'ALTER TABLE users ADD COLUMN age bigint;');
    expect((await project.phase('check', '--json')).json.findings).toEqual([]);
    expect((await project.json('migrate')).applied).toHaveLength(1);
    expect((await project.json('wait')).ready).toBe(true);

    project.url = fresh.url;
    expect((await project.json('migrate')).applied).toHaveLength(3);
    const { json } = await project.phase('diff', '--json', '--from', old.url, '--to', fresh.url);
    expect(json).toMatchObject({ statements: [], kept: [], rest: [] });
    expect(await fresh.sql('SELECT id, name FROM users')).toEqual([{ id: 1, name: 'root' }]);
  });

  test('a database that lacks some of them, has more, or has tables and none of them is told so, and stays as it is', async () => {
    await project.json('init', `--from-${name}`);
    await run(project, old, 1);
    const some = await project.phase('migrate', '--json');
    expect([some.code, some.json.error.code]).toEqual([5, 'PH3029']);
    expect(some.json.error.remedy).toContain(`Let ${name} run the others`);
    await fresh.sql(USERS);
    project.url = fresh.url;
    const none = await project.phase('migrate', '--json');
    expect([none.code, none.json.error.code]).toEqual([4, 'PH2023']);
    expect(none.json.error.remedy).toContain('formerLedger.table');
  });

  test('what came since is no part of the baseline', async () => {
    await project.json('init', `--from-${name}`);
    await run(project, old);
    await old.sql(stranger);
    await addMigration(project, '1.0.0', 'age', 'ALTER TABLE users ADD COLUMN age bigint;');
    const more = await project.phase('migrate', '--json');
    expect([more.code, more.json.error.code]).toEqual([5, 'PH3026']);
    expect(more.json.error.remedy).toContain(`--from-${name}`);
  });
});

test('a squash on top of a baseline is one for all: where the tool has run, where phase has run, and where neither has', async () => {
  const [, prisma] = TOOLS;
  if (prisma === undefined) throw new Error('There is no such tool.');
  for (const [path, text] of Object.entries(prisma.files)) project.write(path, text);
  await prisma.run(project, old);
  await project.json('init', '--from-prisma');
  await addMigration(project, '1.0.0', 'age', 'ALTER TABLE users ADD COLUMN age bigint;');
  await project.json('release', 'cut', '1.0.0');
  await project.json('migrate');
  await project.json('squash', '--up-to', '1.0.0', '--yes');
  expect((await project.json('migrate')).applied).toEqual([]);
  const behind = await createDatabase();
  await prisma.run(project, behind);
  project.url = behind.url;
  const refused = await project.phase('migrate', '--json');
  expect([refused.code, refused.json.error.code]).toEqual([5, 'PH3029']);
  expect(refused.json.error.remedy).toContain('from before the squash');
  await behind.drop();
  project.url = fresh.url;
  expect((await project.json('migrate')).applied).toHaveLength(2);
  const { json } = await project.phase('diff', '--json', '--from', old.url, '--to', fresh.url);
  expect(json).toMatchObject({ statements: [], kept: [], rest: [] });
});

test.each([
  ['no migrations', {}, ['--from-prisma'], 'There is no migration_lock.toml here.'],
  [
    'another database',
    { 'prisma/migrations/migration_lock.toml': 'provider = "mysql"' },
    ['--from-prisma'],
    'for mysql',
  ],
  ['a folder without any', {}, ['--from-prisma', '--directory', 'nowhere'], 'no migration in nowhere'],
  [
    'one that fails',
    {
      'prisma/migrations/migration_lock.toml': '',
      'prisma/migrations/1_x/migration.sql': 'ALTER TABLE nowhere ADD COLUMN a int',
    },
    ['--from-prisma'],
    'prisma/migrations/1_x/migration.sql fails on an empty database: relation "nowhere" does not exist',
  ],
  [
    'a script that is gone',
    { 'drizzle/meta/_journal.json': '{"entries": [{"tag": "0000_a", "when": 1}]}' },
    ['--from-drizzle'],
    'drizzle/0000_a.sql cannot be read',
  ],
  ['no journal', { 'drizzle/meta/_journal.json': '{}' }, ['--from-drizzle'], '_journal.json cannot be read'],
  ['several journals', { 'a/meta/_journal.json': '{}', 'b/meta/_journal.json': '{}' }, ['--from-drizzle'], 'several'],
  ['no folder', {}, ['--from-node-pg-migrate'], 'There is no folder migrations'],
  [
    'code that fails',
    { 'migrations/1_x.js': 'exports.up = () => { throw new Error("not today"); };' },
    ['--from-node-pg-migrate'],
    'not today',
  ],
])('%s cannot be taken over, and nothing is written', async (_what, files, flags, reason) => {
  for (const [path, text] of Object.entries(files)) project.write(path, text);
  const { code, json } = await project.phase('init', ...flags, '--json');
  expect([code, json.error.code]).toEqual([2, 'PH1028']);
  expect(json.error.why).toContain(reason);
  expect(['db', 'phase.config.ts', '.gitignore'].filter((path) => existsSync(join(project.root, path)))).toEqual([]);
});

test('two tools at once, flags of another one, and a second time are refused', async () => {
  const two = await project.phase('init', '--from-prisma', '--from-drizzle', '--json');
  expect([two.code, two.json.error.code]).toEqual([2, 'PH1001']);
  const alone = await project.phase('init', '--table', 'x', '--json');
  expect(alone.json.error.message).toContain('--from-prisma');
  const knex = await project.phase('init', '--from-prisma', '--knexfile', 'x', '--json');
  expect(knex.json.error.message).toContain('--from-knex');
  project.write('prisma/migrations/1_x/migration.sql', 'SELECT 1');
  await project.json('init', '--from-prisma', '--directory', 'prisma/migrations', '--table', 'shop._prisma_migrations');
  expect(project.read('phase.config.ts')).toContain(
    `formerLedger: { tool: 'prisma', table: "shop._prisma_migrations" },`,
  );
  const again = await project.phase('init', '--from-prisma', '--directory', 'prisma/migrations', '--json');
  expect([again.code, again.json.error.code]).toEqual([2, 'PH1011']);
});
