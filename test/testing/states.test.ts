import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
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

test('it ran before and after what the release adds, once where it adds nothing, on a dump where one is given', () => {
  expect(seen).toEqual([
    'before: id',
    'after: id more',
    'after: id more later',
    'before: id dumped',
    'after: id dumped more',
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
