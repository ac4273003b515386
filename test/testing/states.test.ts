import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { openDatabase } from '../../src/testing/database.ts';
import { repository } from '../support/bookshop.ts';
import { TestProject } from '../support/project.ts';

// As it is built: it starts a process.
const built = pathToFileURL(join(repository, 'dist/testing/index.js')).href;
const { describeWithMigrations, openTestDatabase, testStates }: typeof import('../../src/testing/index.ts') =
  await import(built);

process.env.PHASE_SHADOW_DATABASE_URL ??= process.env.TRIPHASE_TEST_SERVER;
const project = new TestProject(undefined, { 'package.json': '{"version": "1.1.0"}' });
afterAll(() => project.remove());
const at = (release: string, name: string, sql: string) => {
  project.write(`db/migrate/${name}.sql`, sql);
  project.write('phase.config.json', JSON.stringify({ release }));
  return project.json('hash', '--no-replay');
};
await at('1.0.0', '20260101000000_create', 'CREATE TABLE t (id int PRIMARY KEY)');
await at('1.1.0', '20260101000001_more', 'ALTER TABLE t ADD COLUMN more text');
await at('1.2.0', '20260101000002_later', 'ALTER TABLE t ADD COLUMN later text');
project.write(
  'phase.config.ts',
  'import { defineConfig } from "triphase"; export default defineConfig({ release: "1.1.0" });',
);
rmSync(`${project.root}/phase.config.json`);
project.write('before.sql', '\\restrict x\nCREATE TABLE public.t (id int PRIMARY KEY, dumped text);\n\\unrestrict x\n');

// As pg_dump writes a database that phase has migrated.
project.write(
  'migrated.sql',
  `SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA phase;
CREATE SCHEMA public;
CREATE TABLE phase.ledger (format integer NOT NULL, served_before boolean NOT NULL);
CREATE TABLE public.t (id int PRIMARY KEY, migrated text);
`,
);

const seen: string[] = [];
const look = (options: object) =>
  describeWithMigrations(
    'a suite',
    ({ knex, url, state }) => {
      beforeEach(async () => void (await knex('t').del()));
      test('has its columns, and rows of its own', async () => {
        const { rows } = await knex.raw(
          `SELECT string_agg(attname, ' ' ORDER BY attnum) AS columns FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0`,
        );
        seen.push(`${state}: ${rows[0].columns}`);
        await knex('t').insert({ id: 1 });
        expect(await knex('t').count()).toEqual([{ count: '1' }]);
        expect(await url()).toMatch(/phase_shadow_/);
      });
    },
    { root: project.root, ...options },
  );

look({});
look({ release: '1.3.0' });
look({ dump: 'before.sql' });
look({ dump: 'migrated.sql' });

test('it ran before and after what the release adds, once where it adds nothing, on a dump where one is given', () => {
  expect(seen).toEqual([
    'before: id',
    'after: id more',
    'after: id more later',
    'before: id dumped',
    'after: id dumped more',
    'before: id migrated',
    'after: id migrated more',
  ]);
});

test('without a release it says so', () => {
  const empty = mkdtempSync(`${project.root}-`);
  writeFileSync(`${empty}/phase.config.json`, '{}');
  expect(() => describeWithMigrations('x', () => undefined, { root: empty })).toThrow(
    expect.objectContaining({ code: 'PH1005' }),
  );
  rmSync(empty, { recursive: true });
});

describe('a state', () => {
  const changing = new TestProject(undefined, { 'package.json': '{"version": "1.0.0"}' });
  afterAll(() => changing.remove());
  const answer = async () => {
    const state = { name: 'after', releases: ['1.0.0'] } as const;
    const database = openDatabase({ root: changing.root, state, dump: undefined });
    try {
      const client = new pg.Client({ connectionString: await database.url });
      await client.connect();
      const { rows } = await client.query('SELECT hi()');
      await client.end();
      return rows[0].hi;
    } finally {
      await database.close();
    }
  };

  test('is made anew when something that its migrations read has changed', async () => {
    const migration = `import { createFunction } from 'triphase'; import { after } from '../../lib/after.ts';
      export const up = async (knex) => { await createFunction(knex, 'hi', { version: 1 }); await after(knex); };`;
    changing.write('db/migrate/20260101000000_hi.ts', migration);
    changing.write('lib/after.ts', 'export const after = async (_knex) => undefined;');
    for (const text of ['one', 'two']) {
      changing.write(
        'db/functions/hi_v01.sql',
        `CREATE FUNCTION hi() RETURNS text LANGUAGE sql AS $$ SELECT '${text}' $$`,
      );
      await changing.json('hash', '--no-replay');
      expect(await answer()).toBe(text);
    }
    changing.write(
      'lib/after.ts',
      'export const after = (knex) => knex.raw("CREATE OR REPLACE FUNCTION hi() RETURNS text LANGUAGE sql AS $$ SELECT \'three\' $$");',
    );
    expect(await answer()).toBe('three');
  });

  test('is refused when a file is not what its manifest says', async () => {
    changing.write('db/migrate/20260101000000_hi.ts', 'export const up = () => undefined;');
    await expect(answer()).rejects.toMatchObject({ code: 'PH3002' });
  });

  test('whose dump cannot be loaded is refused', async () => {
    const state = { name: 'before', releases: [] } as const;
    for (const [sql, why] of [
      ['ALTER TABLE nothing OWNER TO nobody;', 'PostgreSQL says: relation "nothing" does not exist.'],
      ['COPY public.t (id) FROM stdin;\n1\n\\.\n', 'PostgreSQL says: relation "public.t" does not exist.'],
      [
        'CREATE TABLE public.t (id int);\nCOPY public.t (id) FROM stdin;\nx\n\\.\n',
        'PostgreSQL says: invalid input syntax for type integer: "x".',
      ],
      [
        'CREATE TABLE public.t (id int);\nCOPY public.t (id) FROM stdin;\n1\n',
        'Its rows of COPY public.t (id) FROM stdin; have no end.',
      ],
    ] as const) {
      changing.write('dump.sql', sql);
      const database = openDatabase({ root: changing.root, state, dump: 'dump.sql' });
      await expect(database.url).rejects.toMatchObject({ code: 'PH1030', why });
      await database.close();
    }
  });
});

describe('a plain function, for any runner', () => {
  test('says which states there are, and opens a database of each', async () => {
    expect(testStates({ root: project.root })).toEqual(['before', 'after']);
    expect(testStates({ root: project.root, release: '1.3.0' })).toEqual(['after']);
    const columns = async (options: object): Promise<string[]> => {
      const database = await openTestDatabase({ root: project.root, ...options });
      try {
        const client = new pg.Client({ connectionString: database.url });
        await client.connect();
        const { fields } = await client.query('SELECT * FROM t');
        await client.end();
        return fields.map(({ name }) => name);
      } finally {
        await database.close();
      }
    };
    expect(await columns({ state: 'before' })).toEqual(['id']);
    expect(await columns({})).toEqual(['id', 'more']);
    expect(await columns({ release: '1.3.0', state: 'before' })).toEqual(['id', 'more', 'later']);
  });

  test('a dump may have rows, with the characters that COPY has its own way for', async () => {
    project.write(
      'rows.sql',
      `SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.t (id int PRIMARY KEY, kept text);
COPY public.t (id, kept) FROM stdin;
1\tone
2\t\\N
3\ttab\\there; -- and ü
\\.

COPY public.t (id, kept) FROM stdin;
\\.
ALTER TABLE ONLY public.t ADD CONSTRAINT short CHECK (length(kept) < 30);
`,
    );
    const database = await openTestDatabase({ root: project.root, dump: 'rows.sql' });
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query('SELECT * FROM public.t ORDER BY id');
    await client.end();
    await database.close();
    expect(rows).toEqual([
      { id: 1, kept: 'one', more: null },
      { id: 2, kept: null, more: null },
      { id: 3, kept: 'tab\there; -- and ü', more: null },
    ]);
  });

  test('what migrations print is in nobody’s way, and a dump stands for what replays begin with', async () => {
    const loud = new TestProject(undefined, { 'package.json': '{"version": "1.0.0"}' });
    loud.write(
      'db/migrate/20260101000000_loud.ts',
      `console.log('loud'); export const up = (knex) => knex.raw('CREATE TABLE app.t (id int)');`,
    );
    loud.write('db/shadow/app.sql', 'CREATE SCHEMA app');
    await loud.json('hash', '--no-replay');
    for (const options of [{}, { dump: 'dump.sql' }]) {
      loud.write('dump.sql', 'CREATE SCHEMA app;\n');
      const database = await openTestDatabase({ root: loud.root, ...options });
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      expect((await client.query('SELECT * FROM app.t')).rows).toEqual([]);
      await client.end();
      await database.close();
    }
    loud.remove();
  });

  test('an error has its code', async () => {
    const missing = openTestDatabase({ root: project.root, dump: 'there-is-none.sql' });
    await expect(missing).rejects.toMatchObject({ code: 'PH1030' });
    const empty = mkdtempSync(`${project.root}-`);
    expect(() => testStates({ root: empty })).toThrow(expect.objectContaining({ code: 'PH1005' }));
    rmSync(empty, { recursive: true });
  });
});
