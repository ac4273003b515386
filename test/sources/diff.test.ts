import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { plainDatabase } from '../../src/postgres/connection.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { loadDump } from '../../src/schema/load.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { FAST_SETTINGS } from '../support/server.ts';

const EVERYTHING = join(repository, 'test/fixtures/schema/everything.sql');

const RENAMES = [
  ['customers', 'name', 'full_name'],
  ['customers', '"Odd Name"', 'odd_name'],
  ['customers', 'paid', 'paid_total'],
  ['customers', 'tags', 'labels'],
  ['customers', 'changed_at', 'updated_at'],
  ['orders', 'note', 'remark'],
  ['orders', 'parent_id', 'parent_order_id'],
  ['base', 'kind', 'sort'],
  ['cache', 'value', 'content'],
  ['a', 'b_id', 'other_id'],
] as const;

const CHANGES = [
  'ALTER TABLE shop.customers ADD COLUMN nickname varchar(20)',
  "ALTER TABLE shop.customers ADD COLUMN joined_on date NOT NULL DEFAULT '2020-01-01'",
  'ALTER TABLE shop.customers ALTER COLUMN bits TYPE bit(8) USING bits::bit(8)',
  'ALTER TABLE shop.customers ALTER COLUMN since DROP DEFAULT, ALTER COLUMN since SET NOT NULL',
  'ALTER TABLE shop.customers DROP CONSTRAINT customers_email_key, ADD CONSTRAINT customers_email_unique UNIQUE (email)',
  'ALTER TABLE shop.customers VALIDATE CONSTRAINT paid_small',
  'DROP INDEX shop.customers_since_idx; CREATE INDEX customers_since_idx ON shop.customers (since)',
  'CREATE OR REPLACE FUNCTION shop.twice(a integer, b integer DEFAULT 3) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT a * b $$',
  'CREATE OR REPLACE VIEW shop.grouped AS SELECT mood, count(*) FILTER (WHERE serial_number > 2) AS n FROM shop.customers GROUP BY mood ORDER BY mood',
  'DROP MATERIALIZED VIEW shop.totals; CREATE MATERIALIZED VIEW shop.totals AS SELECT customer_id, max(id) AS last FROM shop.orders GROUP BY customer_id',
  "ALTER TYPE shop.mood ADD VALUE 'angry' BEFORE 'ok'",
  'ALTER DOMAIN shop.email DROP CONSTRAINT has_at',
  'ALTER POLICY own ON shop.base USING (id > 5)',
  'ALTER TABLE shop.base NO FORCE ROW LEVEL SECURITY',
  "CREATE TABLE shop.orders_2025 PARTITION OF shop.orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
  'REVOKE SELECT ON shop.customers FROM PUBLIC; GRANT SELECT ON shop.a TO phase_writer',
  'ALTER TABLE shop.customers ENABLE TRIGGER customers_counted',
  'ALTER SEQUENCE shop.numbers INCREMENT BY 10',
  'ALTER STATISTICS shop.customers_stats SET STATISTICS 50; DROP STATISTICS shop.customers_expr',
  "COMMENT ON TABLE shop.customers IS 'Who buys, or did.'",
  'ALTER TABLE shop.customers ALTER COLUMN data SET STORAGE MAIN',
  'ALTER TEXT SEARCH CONFIGURATION shop.words DROP MAPPING FOR url',
  'CREATE TABLE shop.reviews (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES shop.customers (id), stars smallint CHECK (stars BETWEEN 1 AND 5))',
];

let first: TestDatabase;
let second: TestDatabase;
let project: TestProject;
beforeAll(async () => {
  [first, second] = await Promise.all([createDatabase(), createDatabase()]);
  const sql = readFileSync(EVERYTHING, 'utf8');
  for (const { url } of [first, second]) await loadDump(plainDatabase(url), { file: EVERYTHING, sql });
  for (const change of CHANGES) await second.sql(change);
  for (const [table, from, to] of RENAMES) await second.sql(`ALTER TABLE shop.${table} RENAME COLUMN ${from} TO ${to}`);
  project = new TestProject(first.url, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
});
afterAll(async () => {
  project.remove();
  await first.drop();
  await second.drop();
});

const flagsOf = (renames: readonly (readonly [string, string, string])[]): string[] =>
  renames.flatMap(([table, from, to]) => ['--rename', `shop.${table}.${from}=${to}`]);

test.each([
  ['there', () => [first.url, second.url], RENAMES],
  ['back', () => [second.url, first.url], RENAMES.map(([table, from, to]) => [table, to, from] as const)],
])('statements that lead %s leave no difference, and the renames are offered', async (_way, urls, renames) => {
  const [from = '', to = ''] = urls();
  const offered = await project.phase('diff', '--json', '--from', from, '--to', to);
  expect(offered.code).toBe(7);
  const plain = (name: string) => name.replaceAll('"', '');
  expect(offered.json.renames.map((one: Record<string, string>) => [one.table, one.from, one.to]).sort()).toEqual(
    renames.map(([table, old, fresh]) => [`shop.${table}`, plain(old), plain(fresh)]).sort(),
  );
  const flags = [...flagsOf(renames), '--allow-data-loss'];
  const { code, json } = await project.phase('diff', '--json', '--from', from, '--to', to, ...flags);
  expect(json).toMatchObject({ untried: null, rest: [], renames: [] });
  expect(code).toBe(7);
});

test('without --allow-data-loss what holds values stays, and what is left is said', async () => {
  const { code, json } = await project.phase('diff', '--json', '--from', second.url, '--to', first.url);
  expect(code).toBe(7);
  expect(json.kept).toEqual(
    expect.arrayContaining([
      'table shop.reviews',
      'column shop.customers.nickname',
      'column shop.customers.joined_on',
      'type shop.mood',
    ]),
  );
  expect(json.hazards.map(({ kind }: { kind: string }) => kind)).not.toContain('data_loss');
  const lost = await project.phase('diff', '--json', '--from', second.url, '--to', first.url, '--allow-data-loss');
  expect(lost.json.kept).toEqual([]);
  expect(lost.json.hazards.map(({ kind }: { kind: string }) => kind)).toContain('data_loss');
});

test('what a statement locks, rewrites and reads is what was seen of it on a copy', async () => {
  project.write(
    'wanted.sql',
    'CREATE TABLE t (id bigint PRIMARY KEY, a integer NOT NULL, b text CHECK (b <> $$$$), at timestamptz DEFAULT clock_timestamp());\nCREATE INDEX t_b ON t (b);',
  );
  project.write('now.sql', 'CREATE TABLE t (id integer PRIMARY KEY, a integer, b text);');
  const { json } = await project.phase('diff', '--json', '--from', 'now.sql', '--to', 'wanted.sql');
  const seen = json.hazards.map(({ statement, kind, lock, object }: Record<string, string>) => [
    /^(?:ALTER TABLE \S+ )?(.*?)(?: DEFAULT .*| USING .*)?$/s.exec(statement ?? '')?.[1],
    kind,
    lock,
    object,
  ]);
  expect(seen).toEqual(
    expect.arrayContaining([
      ['ALTER COLUMN "id" TYPE bigint', 'rewrite', 'AccessExclusiveLock', 'public.t'],
      ['ALTER COLUMN "a" SET NOT NULL', 'scan', 'AccessExclusiveLock', 'public.t'],
      ['ADD CONSTRAINT "t_b_check" CHECK ((b <> \'\'::text))', 'scan', 'AccessExclusiveLock', 'public.t'],
      ['CREATE INDEX t_b ON public.t', 'scan', 'ShareLock', 'public.t'],
      ['ADD COLUMN "at" timestamp with time zone', 'rewrite', 'AccessExclusiveLock', 'public.t'],
    ]),
  );
});

test('a source that cannot be had is refused, and so is a rename that is none', async () => {
  for (const [flag, code] of [
    ['nothing', 'PH1015'],
    ['missing.sql', 'PH1036'],
    ['git:nowhere', 'PH1036'],
    ['module:missing.ts', 'PH1036'],
  ] as const) {
    const ran = await project.phase('diff', '--json', '--from', flag, '--to', 'wanted.sql');
    expect([flag, ran.code, ran.json.error.code]).toEqual([flag, 2, code]);
  }
  const ran = await project.phase(
    'diff',
    '--json',
    '--from',
    'now.sql',
    '--to',
    'wanted.sql',
    '--rename',
    'users.email',
  );
  expect(ran.json.error.code).toBe('PH1015');
});

test('a module makes the schema, by knex or by the URL', async () => {
  project.write(
    'models.mjs',
    'export const create = (knex) => knex.schema.createTable("u", (t) => { t.increments("id"); t.text("name"); });',
  );
  project.write('by-knex.sql', 'CREATE TABLE u (id serial PRIMARY KEY, name text);');
  expect((await project.phase('diff', '--from', 'by-knex.sql', '--to', 'module:models.mjs')).stdout.trim()).toBe(
    'There is no difference.',
  );
});

test('a column whose type changes takes what is computed from it along, and that loses nothing', async () => {
  const sql = (type: string) =>
    `CREATE TABLE t (id int PRIMARY KEY, a ${type}, twice bigint GENERATED ALWAYS AS (a * 2) STORED);\nCREATE INDEX t_twice ON t (twice);\nCREATE VIEW v AS SELECT twice FROM t;`;
  project.write('before.sql', sql('int'));
  project.write('after.sql', sql('bigint'));
  const { json } = await project.phase('diff', '--json', '--from', 'before.sql', '--to', 'after.sql');
  expect(json).toMatchObject({ rest: [], kept: [] });
  expect(json.statements.length).toBeGreaterThan(3);
  const kinds = json.hazards.map(({ kind }: { kind: string }) => kind);
  expect(kinds).not.toContain('fails');
  expect(kinds).not.toContain('data_loss');
});

test('a type that cuts values off is a loss, and stays as it is; what only grows, or is computed, is none', async () => {
  project.write(
    'wide.sql',
    'CREATE TABLE t (id int PRIMARY KEY, a text, c numeric(10,4), d timestamptz, e varchar(5), n numeric, g int GENERATED ALWAYS AS (id * 2) STORED);',
  );
  project.write(
    'narrow.sql',
    'CREATE TABLE t (id bigint PRIMARY KEY, a varchar(3), c numeric(6,1), d date, e varchar(9), n int, g int GENERATED ALWAYS AS (id * 3) STORED);',
  );
  const kept = await project.phase('diff', '--json', '--from', 'wide.sql', '--to', 'narrow.sql');
  expect(kept.json.kept.sort()).toEqual(['a', 'c', 'd', 'n'].map((column) => `column public.t.${column}`));
  expect(kept.json.statements.join('\n')).toMatch(/"e" TYPE character varying\(9\)/);
  const back = await project.phase('diff', '--json', '--from', 'narrow.sql', '--to', 'wide.sql');
  expect(back.json.kept).toEqual(['column public.t.e']);
  const lost = await project.phase('diff', '--json', '--from', 'wide.sql', '--to', 'narrow.sql', '--allow-data-loss');
  expect(lost.json).toMatchObject({ kept: [], rest: [] });
});

test('what no statement is known for is said, also beside what stays as it is', async () => {
  project.write(
    'one.sql',
    'CREATE TABLE p (a int); CREATE TABLE q (b int); CREATE TABLE c (x int) INHERITS (p); CREATE TABLE old (a int);',
  );
  project.write('two.sql', 'CREATE TABLE p (a int); CREATE TABLE q (b int); CREATE TABLE c (x int) INHERITS (p, q);');
  for (const flags of [[], ['--allow-data-loss']]) {
    const { code, json } = await project.phase('diff', '--json', '--from', 'one.sql', '--to', 'two.sql', ...flags);
    expect([code, json.untried, json.uncompared]).toEqual([7, null, []]);
    expect(json.rest.filter((line: string) => !/ public\.c /.test(line))).toEqual([]);
    expect(json.rest.join('\n')).toContain('inherits public.p,public.q');
  }
});

test('what stays what it is keeps its rows: bounds of partitions, collations, names of keys; a table that looks renamed is shown', async () => {
  project.write(
    'was.sql',
    `CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE t (id int PRIMARY KEY, a text COLLATE "C" CONSTRAINT t_key UNIQUE); CREATE INDEX t_idx ON t (a, id);
CREATE TABLE users (id int, email text); CREATE TABLE due (at timestamp);
CREATE TYPE addr AS (zip int); CREATE TABLE at (a addr);`,
  );
  project.write(
    'shall.sql',
    `CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (20);
CREATE TABLE t (id int PRIMARY KEY, a text COLLATE "POSIX" CONSTRAINT t_unique UNIQUE); CREATE INDEX t_index ON t (a, id);
CREATE TABLE people (id int, email text); CREATE TABLE due (at timestamptz);
CREATE TYPE addr AS (zip text); CREATE TABLE at (a addr);`,
  );
  const { json } = await project.phase('diff', '--json', '--from', 'was.sql', '--to', 'shall.sql');
  expect(json.kept).toEqual(['table public.users']);
  expect(json.tables).toMatchObject([{ from: 'public.users', to: 'public.people' }]);
  expect(json.statements).toEqual(
    expect.arrayContaining([
      'ALTER INDEX "public"."t_idx" RENAME TO "t_index"',
      'ALTER TABLE "public"."t" RENAME CONSTRAINT "t_key" TO "t_unique"',
      'ALTER TABLE "public"."t" ALTER COLUMN "a" TYPE text COLLATE pg_catalog."POSIX"',
      'ALTER TABLE "public"."p" DETACH PARTITION "public"."p1"',
      'ALTER TABLE "public"."p" ATTACH PARTITION "public"."p1" FOR VALUES FROM (0) TO (20)',
    ]),
  );
  expect(json.statements.join()).not.toContain('DROP');
  // A type that is in use is left as it is, and said; the rest is there.
  expect(json.rest).toEqual([expect.stringContaining('zip integer'), expect.stringContaining('zip text')]);
  const zone = json.hazards.filter(({ message }: { message: string }) => message.includes('TimeZone'));
  expect(zone).toHaveLength(1);
});

test('what nobody compares is named', async () => {
  project.write('plain.sql', 'CREATE TABLE t (a int);');
  project.write('classes.sql', 'CREATE TABLE t (a int); CREATE OPERATOR FAMILY own USING btree;');
  const { code, json } = await project.phase('diff', '--json', '--from', 'plain.sql', '--to', 'classes.sql');
  expect([code, json.uncompared]).toEqual([0, ['operator family (1: own)']]);
  expect((await project.phase('diff', '--from', 'plain.sql', '--to', 'classes.sql')).stdout).toContain(
    '-- Not compared',
  );
});

test('a server that does not have what the schema needs is said not to have tried it', async () => {
  project.write('is.sql', 'CREATE TABLE t (a int);');
  const options = {
    version: 14,
    project: repository,
    name: `test-diff-14-${process.pid}`,
    settings: FAST_SETTINGS,
  } as const;
  const older = await startEmbedded(options);
  const newer = await createDatabase();
  try {
    await newer.sql('CREATE TABLE t (a int, twice int GENERATED ALWAYS AS (a * 2) VIRTUAL); CREATE TABLE b (a int)');
    const flags = ['--from', newer.url, '--to', 'is.sql', '--allow-data-loss'];
    project.env = { PHASE_SHADOW_DATABASE_URL: older };
    const { code, json } = await project.phase('diff', '--json', ...flags);
    expect(code).toBe(7);
    expect([json.untried, json.uncompared]).toEqual([
      expect.stringContaining('VIRTUAL'),
      [expect.stringContaining('VIRTUAL')],
    ]);
  } finally {
    project.env = {};
    await removeEmbedded(options);
    await newer.drop();
  }
});
