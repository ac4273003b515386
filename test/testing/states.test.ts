import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { openDatabase } from '../../src/testing/database.ts';
import { describeWithMigrations } from '../../src/testing/index.ts';
import { TestProject } from '../support/project.ts';

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
      ['COPY public.t (id) FROM stdin;\n1\n\\.\n', 'It holds rows, as COPY ... FROM stdin.'],
    ] as const) {
      changing.write('dump.sql', sql);
      const database = openDatabase({ root: changing.root, state, dump: 'dump.sql' });
      await expect(database.url).rejects.toMatchObject({ code: 'PH1030', why });
      await database.close();
    }
  });
});
