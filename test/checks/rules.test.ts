import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RULES } from '../../src/checks/rules/index.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

const BASE = `CREATE TABLE users (id bigint PRIMARY KEY, email varchar(100), age integer, country text, nick text, done boolean);
CREATE TABLE orders (id bigint PRIMARY KEY);
INSERT INTO users VALUES (1, 'a@x', 20, 'GB');
-- phase:allow data_in_schema: the first rows`;

let project: TestProject;
beforeEach(async () => {
  project = new TestProject(undefined, { 'package.json': '{"name": "shop", "version": "1.1.0"}' });
  await addMigration(project, '1.0.0', 'begin', BASE);
  await project.json('release', 'cut', '1.0.0');
});
afterEach(() => project.remove());

const check = async (...flags: string[]) => {
  const { json } = await project.phase('check', '--json', ...flags);
  return json.findings as {
    code: string;
    severity: string;
    file: string;
    line: number | null;
    message: string;
    remedy: string;
  }[];
};
const codes = async (...flags: string[]) => (await check(...flags)).map(({ code }) => code);

/** Those that need more than a migration. */
const ELSEWHERE = ['several_locks', 'no_ticket', 'imports_models'];
/** A rule about data migrations. */
const IN_DATA = ['schema_in_data'];
/** An example that is silent for the rule, and a finding of others. */
const judged = RULES.filter(({ code }) => !ELSEWHERE.includes(code));

describe.each(judged.map((rule) => [rule.code, rule] as const))('%s', (code, { examples }) => {
  const folder = IN_DATA.includes(code) ? 'data' : 'migrate';
  test('is found, with a way on', async () => {
    const id = await addMigration(project, '1.1.0', 'next', examples.found, { folder });
    const found = (await check()).filter((finding) => finding.code === code);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ file: `db/${folder}/${id}.sql`, line: 1 });
    expect(found[0]?.remedy.length).toBeGreaterThan(20);
  });

  test('is silent', async () => {
    await addMigration(project, '1.1.0', 'next', examples.silent, { folder });
    expect(await codes()).not.toContain(code);
  });
});

test('what is new in this release holds nobody up', async () => {
  const sql = `CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint, text varchar(10));
CREATE INDEX notes_user ON notes (user_id);
ALTER TABLE notes ADD CONSTRAINT notes_user_fkey FOREIGN KEY (user_id) REFERENCES users (id);
ALTER TABLE notes ALTER COLUMN text TYPE integer USING text::integer;
ALTER TABLE notes RENAME COLUMN text TO number;
ALTER TABLE notes ALTER COLUMN number SET NOT NULL, ADD CONSTRAINT positive CHECK (number > 0), ADD COLUMN token uuid DEFAULT gen_random_uuid();`;
  await addMigration(project, '1.1.0', 'notes', sql);
  await addMigration(project, '1.1.0', 'more', 'CREATE UNIQUE INDEX notes_number ON notes (number); DROP TABLE notes;');
  expect(await codes()).toEqual([]);
});

const THERE = `CREATE VIEW grown AS SELECT id FROM users WHERE age > 17;
CREATE VIEW shown AS SELECT id FROM users;
CREATE MATERIALIZED VIEW by_country AS SELECT country, count(*) FROM users GROUP BY country;
CREATE UNIQUE INDEX by_country_key ON by_country (country);
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';
CREATE FUNCTION thrice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 3';
CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE TYPE unused AS ENUM ('a');
CREATE TABLE parts (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
CREATE TABLE apart (id bigint, at date, PRIMARY KEY (id, at));
CREATE TABLE moved (id bigint PRIMARY KEY);
CREATE UNLOGGED TABLE quick (id bigint PRIMARY KEY);`;

/** By what is found in each; null: nothing. */
const STATEMENTS: readonly (readonly [string | null, string, string?])[] = [
  ['blocking_command', 'REFRESH MATERIALIZED VIEW by_country;', 'public.by_country'],
  [null, '-- phase:no-transaction\nREFRESH MATERIALIZED VIEW CONCURRENTLY by_country;'],
  ['blocking_command', 'REINDEX TABLE users;', 'Writes to public.users'],
  ['blocking_command', '-- phase:no-transaction\nVACUUM (FULL, ANALYZE) users;', 'Nobody reads or writes'],
  ['blocking_command', 'LOCK TABLE users IN SHARE MODE;', 'Writes to public.users'],
  [null, 'LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE;'],
  ['blocking_command', 'ALTER TABLE quick SET LOGGED;', 'SET LOGGED'],
  ['blocking_command', 'ALTER TABLE parts DETACH PARTITION parts_1;', 'DETACH PARTITION'],
  [null, '-- phase:no-transaction\nALTER TABLE parts DETACH PARTITION parts_2 CONCURRENTLY;'],
  [
    'blocking_command',
    "ALTER TABLE parts ATTACH PARTITION apart FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');",
    'public.apart',
  ],
  ['raw_rename', "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';", 'The value ok of public.mood'],
  [null, "ALTER TYPE mood ADD VALUE 'so so';"],
  ['raw_rename', 'ALTER VIEW shown RENAME TO seen;', 'The view public.shown'],
  ['raw_rename', 'ALTER FUNCTION thrice(int) RENAME TO tripled;', 'The function public.thrice'],
  ['raw_rename', 'CREATE SCHEMA s; ALTER TABLE moved SET SCHEMA s;', 'renamed to s.moved'],
  [null, 'CREATE VIEW more AS SELECT 1 AS one;\nALTER VIEW more RENAME TO most;'],
  [null, 'DROP VIEW grown;\nCREATE VIEW grown AS SELECT id, email FROM users WHERE age > 17;'],
  ['drop_column', 'DROP VIEW grown;', 'The view public.grown'],
  ['drop_column', 'DROP FUNCTION twice(int);', 'The function public.twice'],
  ['drop_column', 'DROP TYPE unused;', 'The type public.unused'],
  ['validating_constraint', 'ALTER TABLE users ADD COLUMN n int CHECK (n > 0);', 'the check'],
  [
    null,
    '-- phase:no-transaction\nALTER TABLE users ADD COLUMN order_id bigint CONSTRAINT of_order REFERENCES orders;\nCREATE INDEX CONCURRENTLY users_order ON users (order_id);',
  ],
  [
    'validating_constraint',
    'ALTER TABLE users ADD CONSTRAINT grown CHECK (age > 0) NOT VALID;\nALTER TABLE users VALIDATE CONSTRAINT grown;',
    'added and validated in one transaction',
  ],
  [
    null,
    '-- phase:no-transaction\nALTER TABLE users ADD CONSTRAINT older CHECK (age > 1) NOT VALID;\nALTER TABLE users VALIDATE CONSTRAINT older;',
  ],
  [
    'data_in_schema',
    'WITH gone AS (DELETE FROM users WHERE id < 0 RETURNING id) SELECT count(*) FROM gone;',
    'public.users',
  ],
  ['data_in_schema', 'TRUNCATE orders CASCADE;', 'public.orders'],
  ['data_in_schema', "DO $$ BEGIN EXECUTE 'UPDATE users SET nick = ''x'''; END $$;", 'public.users'],
  ['no_primary_key', 'CREATE TABLE copy AS SELECT * FROM users;', 'public.copy'],
  ['drop_column', 'DO $$ BEGIN\n  ALTER TABLE users DROP COLUMN nick;\nEND $$;', 'public.users.nick'],
];

test('commands that block, and what takes something from the release before, are found, and their safe forms are not', async () => {
  await addMigration(project, '1.0.1', 'there', THERE);
  await project.json('release', 'cut', '1.0.1');
  const files: string[] = [];
  for (const [, sql] of STATEMENTS) files.push(await addMigration(project, '1.1.0', 'next', sql));
  const findings = await check();
  const found = files.map((id) => findings.filter(({ file }) => file === `db/migrate/${id}.sql`));
  expect(found.map((own) => own.map(({ code }) => code).join() || null)).toEqual(STATEMENTS.map(([code]) => code));
  for (const [at, [, , said = '']] of STATEMENTS.entries()) {
    expect(found[at]?.map(({ message }) => message).join()).toContain(said);
  }
  // In the body of a DO.
  expect(found.at(-1)?.[0]?.line).toBe(2);
});

test('what was there before and what is there after are what migrations give, and not what they say', async () => {
  const there = `CREATE TABLE checked (id bigint PRIMARY KEY, a int, b int, label text, big int, code text NOT NULL DEFAULT 'x', CONSTRAINT a_there CHECK (a IS NOT NULL));
CREATE TABLE keyed (id bigint, code text NOT NULL, CONSTRAINT keyed_code UNIQUE (code));
CREATE INDEX checked_b ON checked (b);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION token() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT random()::text';
CREATE UNIQUE INDEX keyed_id ON keyed (id);
CREATE TABLE told (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE VIEW wide AS SELECT id, 'x'::text AS label FROM told;
CREATE VIEW narrow AS SELECT id, code FROM keyed;`;
  await addMigration(project, '1.0.1', 'there', there);
  await project.json('release', 'cut', '1.0.1');
  const cases: readonly (readonly [string | null, string, string?])[] = [
    // A foreign key is looked for by a value, which is not NULL.
    [
      null,
      'CREATE TABLE n1 (id bigint PRIMARY KEY, user_id bigint REFERENCES users);\nCREATE INDEX n1_u ON n1 (user_id) WHERE user_id IS NOT NULL;',
    ],
    [
      'foreign_key_without_index',
      'CREATE TABLE n2 (id bigint PRIMARY KEY, user_id bigint REFERENCES users, gone boolean);\nCREATE INDEX n2_u ON n2 (user_id) WHERE NOT gone;',
    ],
    [null, 'ALTER TABLE users ADD COLUMN tmp int;'],
    [null, 'ALTER TABLE users RENAME COLUMN tmp TO tmp2;'],
    [null, 'ALTER TABLE users DROP COLUMN tmp2;'],
    [null, 'CREATE INDEX IF NOT EXISTS checked_b ON checked (b);'],
    [null, 'DROP INDEX IF EXISTS nothing;\nDROP TABLE IF EXISTS nowhere;'],
    [null, 'CREATE TABLE n3 (id bigint PRIMARY KEY, a int);\nCREATE INDEX n3_a ON n3 (a);'],
    [null, 'DROP INDEX n3_a;'],
    [null, 'ALTER TABLE n1 RENAME COLUMN user_id TO owner_id;'],
    [null, 'ALTER TABLE users ALTER COLUMN id SET NOT NULL;\nALTER TABLE checked ALTER COLUMN a SET NOT NULL;'],
    ['not_null_by_scan', 'ALTER TABLE checked ALTER COLUMN b SET NOT NULL;'],
    [
      null,
      'CREATE TABLE n4 (id bigint PRIMARY KEY, a int);\nALTER TABLE n4 RENAME TO n5;\nCREATE INDEX n5_a ON n5 (a);',
    ],
    [null, 'DO $$ BEGIN CREATE TABLE n6 (id bigint PRIMARY KEY, a int); END $$;\nCREATE INDEX n6_a ON n6 (a);'],
    [
      'raw_rename,blocking_index',
      'ALTER TABLE orders RENAME TO purchases;\nCREATE INDEX purchases_id ON purchases (id);',
      'public.purchases',
    ],
    [null, 'ALTER TABLE purchases RENAME TO bought;\nCREATE VIEW purchases AS SELECT * FROM bought;'],
    [
      'type_change_rewrites',
      'ALTER TABLE checked ALTER COLUMN big TYPE bigint, ALTER COLUMN label TYPE varchar;',
      'checked.big',
    ],
    [
      'not_null_without_default',
      "ALTER TABLE users ADD COLUMN kind text NOT NULL DEFAULT 'a';\nALTER TABLE users ALTER COLUMN kind DROP DEFAULT;",
      'loses its default',
    ],
    ['not_null_without_default', 'ALTER TABLE checked ALTER COLUMN code DROP DEFAULT;', 'loses its default'],
    ['drop_column', 'ALTER TABLE keyed DROP CONSTRAINT keyed_code;', 'The unique key keyed_code'],
    ['volatile_default', 'ALTER TABLE users ADD COLUMN tok text DEFAULT token();'],
    ['volatile_default', 'ALTER TABLE users ADD COLUMN p positive;'],
    ['blocking_key', 'ALTER TABLE keyed ADD CONSTRAINT keyed_pkey PRIMARY KEY USING INDEX keyed_id;', 'NOT NULL of id'],
    ['data_in_schema', 'UPDATE pg_index SET indisvalid = true WHERE false;', "PostgreSQL's own catalogue"],
    [null, 'CREATE TABLE n7 (a int NOT NULL, b int NOT NULL, UNIQUE (a, b));'],
    ['validating_constraint', 'ALTER TABLE users\n  ADD CHECK (age > 0);', 'Reads and writes'],
    ['not_null_by_scan', 'ALTER TABLE checked ADD CONSTRAINT nn NOT NULL label;'],
    ['not_null_without_default', 'ALTER TABLE told ALTER COLUMN id DROP IDENTITY;', 'loses its default'],
    ['raw_rename', 'ALTER VIEW wide RENAME COLUMN label TO title;', 'public.wide.label'],
    ['drop_column', 'DROP VIEW narrow;\nCREATE VIEW narrow AS SELECT id FROM keyed;', 'without code'],
    ['drop_column,drop_column', 'DROP TABLE bought CASCADE;\nALTER TABLE users\n  DROP COLUMN nick;'],
  ];
  const files: string[] = [];
  for (const [, sql] of cases) files.push(await addMigration(project, '1.1.0', 'next', sql));
  const findings = (await check()).filter(({ code }) => !code.startsWith('squawk'));
  const found = files.map((id) => findings.filter(({ file }) => file === `db/migrate/${id}.sql`));
  expect(found.map((own) => own.map(({ code }) => code).join() || null)).toEqual(cases.map(([code]) => code));
  for (const [at, [, , said = '']] of cases.entries())
    expect(found[at]?.map(({ message }) => message).join()).toContain(said);
  expect(found.at(-1)?.map(({ line }) => line)).toEqual([1, 2]);
});

test('unqualified names are those of the search path', async () => {
  project.write('db/shadow/app.sql', 'CREATE SCHEMA app;');
  await addMigration(project, '1.0.1', 'items', 'CREATE TABLE items (id bigint PRIMARY KEY, "Sku" text);');
  await project.json('release', 'cut', '1.0.1');
  await addMigration(project, '1.1.0', 'sku', 'ALTER TABLE items ALTER COLUMN "Sku" TYPE bigint USING "Sku"::bigint;');
  await addMigration(project, '1.1.0', 'must', 'ALTER TABLE items ALTER COLUMN "Sku" SET NOT NULL;');
  const config = JSON.parse(project.read('phase.config.json'));
  project.write('phase.config.json', JSON.stringify({ ...config, searchPath: ['app', 'public'] }));
  const found = await check();
  expect(found.map(({ code, message }) => [code, message])).toEqual([
    ['type_change_rewrites', expect.stringContaining('app.items')],
    ['not_null_by_scan', expect.stringContaining('app.items')],
  ]);
  expect(found[1]?.remedy).toContain('CHECK ("Sku" IS NOT NULL)');
});

test('an index that is built concurrently in a transaction is an error with the line that is missing', async () => {
  await addMigration(project, '1.1.0', 'index', 'CREATE INDEX CONCURRENTLY users_age ON users (age);');
  const [found] = await check();
  expect([found?.severity, found?.remedy]).toEqual(['error', expect.stringContaining('-- phase:no-transaction')]);
});

test('TypeScript is judged by the statements that it really sends', async () => {
  const id = await addMigration(
    project,
    '1.1.0',
    'typed',
    `import { createIndex } from 'triphase';
export const config = { transaction: false };
export async function up(knex) {
  await knex.schema.alterTable('users', (table) => table.renameColumn('nick', 'nickname'));
  for (const column of ['age', 'country']) await knex.raw(\`CREATE INDEX users_\${column} ON users (\${column})\`);
  await createIndex(knex, { name: 'users_email', on: '"public"."users"', definition: '(email)' });
}
export async function down() {}
`,
    { extension: 'ts' },
  );
  const found = await check();
  expect(found.map(({ code, file }) => [code, file])).toEqual([
    ['raw_rename', `db/migrate/${id}.ts`],
    ['blocking_index', `db/migrate/${id}.ts`],
    ['blocking_index', `db/migrate/${id}.ts`],
  ]);
});

test('code of the application in a migration, and a ticket that is missing', async () => {
  project.write('src/models.ts', 'export const users = "users";\n');
  await addMigration(
    project,
    '1.1.0',
    'fill',
    `import { users } from '../../src/models.ts';\nexport async function up(knex) { await knex(users).update({ done: true }); }\n`,
    { folder: 'data', extension: 'ts' },
  );
  expect(await codes()).toEqual(['imports_models']);
  const config = JSON.parse(project.read('phase.config.json'));
  project.write('phase.config.json', JSON.stringify({ ...config, check: { ticket: true } }));
  expect(await codes()).toEqual(['no_ticket', 'imports_models']);
});

test('a silence has a reason, and something to silence', async () => {
  const index = 'CREATE INDEX users_age ON users (age);';
  await addMigration(project, '1.1.0', 'one', `-- phase:allow blocking_index: ten rows\n${index}`);
  expect(await codes()).toEqual([]);
  await addMigration(project, '1.1.0', 'two', `-- phase:allow blocking_index\n${index.replace('users_age', 'other')}`);
  await addMigration(
    project,
    '1.1.0',
    'three',
    '-- phase:allow raw_rename: it was one\n-- phase:allow no_such_rule: none\nCOMMENT ON TABLE users IS NULL;',
  );
  expect(await codes()).toEqual(['blocking_index', 'silence_without_reason', 'unused_silence', 'unknown_silence']);
});

test('the configuration turns rules off, and makes errors of warnings', async () => {
  await addMigration(
    project,
    '1.1.0',
    'bare',
    'CREATE TABLE bare (id bigint);\nCREATE INDEX users_age ON users (age);',
  );
  const config = JSON.parse(project.read('phase.config.json'));
  project.write(
    'phase.config.json',
    JSON.stringify({ ...config, check: { rules: { blocking_index: 'off', no_primary_key: 'error' } } }),
  );
  expect((await check()).map(({ code, severity }) => [code, severity])).toEqual([['no_primary_key', 'error']]);
});

describe('with a database', () => {
  let database: TestDatabase;
  afterEach(() => database.drop());

  test('one transaction that locks several large tables is named', async () => {
    database = await createDatabase();
    await database.sql(
      'CREATE TABLE users (t text); CREATE TABLE orders (t text); ALTER TABLE users ALTER t SET STORAGE EXTERNAL; ALTER TABLE orders ALTER t SET STORAGE EXTERNAL',
    );
    for (const table of ['users', 'orders'])
      await database.sql(`INSERT INTO ${table} SELECT repeat('x', 35000000) FROM generate_series(1, 2)`);
    await addMigration(
      project,
      '1.1.0',
      'both',
      'ALTER TABLE users ADD COLUMN a int;\nALTER TABLE orders ADD COLUMN b int;',
    );
    expect(await codes()).not.toContain('several_locks');
    project.url = database.url;
    expect(await codes()).toContain('several_locks');
  });
});

test('a version that no migration makes is named, and one that is used is not', async () => {
  await project.json('new', 'function', 'touch', '--release', '1.1.0');
  await project.json('new', 'function', 'other', '--release', '1.1.0');
  await addMigration(
    project,
    '1.1.0',
    'make',
    `import { createFunction } from 'triphase';\nexport const up = (knex) => createFunction(knex, 'touch', { version: 1 });\nexport const down = () => undefined;\n`,
    { extension: 'mjs' },
  );
  const found = (await check('--no-replay')).filter(({ code }) => code === 'unused_version');
  expect(found.map(({ file }) => file)).toEqual(['db/functions/other_v01.sql']);
});

test('a manifest with merge conflicts is named as such', async () => {
  await addMigration(project, '1.1.0', 'one', 'SELECT 1;');
  const text = project.read('db/releases/1.1.0.yml');
  project.write('db/releases/1.1.0.yml', `${text}<<<<<<< HEAD\n  - id: a\n=======\n  - id: b\n>>>>>>> other\n`);
  const [found, ...others] = await check();
  expect(others).toEqual([]);
  expect(found).toMatchObject({ code: 'PH3028', file: 'db/releases/1.1.0.yml', severity: 'error' });
  expect(found?.message).toContain('merge conflict');
});

test('squawk is asked of scripts where the project has it, and not of tables that are new', async () => {
  symlinkSync(join(repository, 'node_modules'), join(project.root, 'node_modules'));
  const sql =
    'CREATE TABLE fresh (id bigint PRIMARY KEY, name varchar(10));\nALTER TABLE users ADD COLUMN short varchar(10);';
  await addMigration(project, '1.1.0', 'squawked', sql);
  const found = (await check()).filter(({ code }) => code.startsWith('squawk_'));
  expect(found.map(({ code, line }) => [code, line])).toEqual([['squawk_prefer_text_field', 2]]);
});
