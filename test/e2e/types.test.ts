import { expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { expectPlainRename } from './oracle.ts';

/** A column's definition, and a value that differs from row to row; `n` counts them. */
const COLUMNS: readonly (readonly [definition: string, value: string])[] = [
  ['smallint', 'n % 100'],
  ['bigint NOT NULL DEFAULT 7', 'n'],
  ['numeric(10,2) DEFAULT 0', 'n / 3.0'],
  ['double precision', `CASE WHEN n % 3 = 0 THEN '-0'::float8 WHEN n % 3 = 1 THEN 'NaN' ELSE n END`],
  ['char(8)', `'c' || n`],
  ['varchar(9) COLLATE "C" DEFAULT NULL::varchar', `'v' || n`],
  ['text[] DEFAULT ARRAY[]::text[]', `ARRAY['a' || n, NULL]`],
  ['json', `json_build_object('b', n, 'a', n)`],
  [`jsonb NOT NULL DEFAULT '{}'`, `jsonb_build_object('b', n)`],
  ['bytea', `decode(md5(n::text), 'hex')`],
  ['boolean DEFAULT false', 'n % 2 = 0'],
  ['date DEFAULT CURRENT_DATE', `'2020-01-01'::date + n::int`],
  ['timestamptz NOT NULL DEFAULT now()', `'2020-01-01'::timestamptz + n * interval '1 hour'`],
  ['timestamp(3) DEFAULT clock_timestamp()', `'2020-01-01'::timestamp + n * interval '1 hour'`],
  ['interval day to second', `n * interval '1 minute'`],
  ['time', `'00:00'::time + n * interval '1 second'`],
  ['inet', `'10.0.0.0'::inet + n`],
  ['point', 'point(n, -n)'],
  ['int4range', 'int4range(n::int, n::int + 2)'],
  ['bit(4)', 'n::int::bit(4)'],
  ['bit varying(8)', `n::int::bit(4)::varbit`],
  ['tsvector', `to_tsvector('simple', 'w' || n)`],
  ['xml', `xmlelement(name a, n)`],
  ['money DEFAULT 1', 'n::int::money'],
  ['uuid NOT NULL DEFAULT gen_random_uuid()', 'md5(n::text)::uuid'],
  ['text DEFAULT CURRENT_USER', `'u' || n`],
  ['double precision DEFAULT random()', 'n'],
  ['pair', 'ROW(n, NULL)::pair'],
  [`mood DEFAULT 'ok'`, `CASE WHEN n % 2 = 0 THEN 'ok' ELSE 'sad' END::mood`],
  ['mood[]', `ARRAY['ok', NULL]::mood[]`],
  ['"char"', `chr(65 + n::int % 20)::"char"`],
  ['regclass', `'pg_class'::regclass`],
];

type Columns = typeof COLUMNS;

const schemaOf = (columns: Columns): string =>
  [
    `CREATE TYPE pair AS (a bigint, b text); CREATE TYPE mood AS ENUM ('ok', 'sad');`,
    ...columns.map(
      ([definition, value], index) => `CREATE TABLE t${index} (id int PRIMARY KEY, old ${definition}, more text);
    INSERT INTO t${index} SELECT n, ${value} FROM generate_series(1, 60) AS n; INSERT INTO t${index} (id) VALUES (61);`,
    ),
  ].join('\n');

async function scaffold(project: TestProject, columns: Columns): Promise<void> {
  for (const [index] of columns.entries()) {
    const names = ['--table', `t${index}`, '--from', 'old', '--to', 'new'];
    await project.json('new', 'rename-column', ...names, '--releases', '1.1,1.2,1.3', '--yes');
  }
}

const valuesOf = (database: TestDatabase, columns: Columns, column: string): Promise<object[][]> =>
  Promise.all(
    columns.map((_column, index) =>
      database.sql(`SELECT id, ${column}::text AS value FROM t${index} WHERE id < 1000 ORDER BY id`),
    ),
  );

/** Every part of the list has a share of each kind. */
const PARTS = [0, 1, 2].map((part) => COLUMNS.filter((_column, at) => at % 3 === part));

test.each(PARTS.map((columns) => ({ columns, first: columns[0]?.[0] })))(
  'any type with any default, some ten renames in the same three releases: $first and others',
  async ({ columns }) => {
    const [renamed, plain] = await Promise.all([createDatabase(), createDatabase()]);
    const project = new TestProject(renamed.url);
    try {
      for (const database of [renamed, plain]) await database.sql(schemaOf(columns));
      for (const [index] of columns.entries()) await plain.sql(`ALTER TABLE t${index} RENAME COLUMN old TO new`);
      await scaffold(project, columns);
      const before = await valuesOf(renamed, columns, 'old');
      for (const release of ['1.1.0', '1.2.0', '1.3.0']) {
        await project.json('release', 'cut', release);
        await project.json('migrate', '--release', release, '--straggler-window', '0');
        await project.json('finish', '--straggler-window', '0');
        for (const [index] of columns.entries()) {
          // A release that uses neither column: both have to agree, whatever the default is.
          await renamed.sql(`INSERT INTO t${index} (id, more) VALUES (1000 + ${release.charCodeAt(2)}, 'x')`);
        }
        const { renames } = await project.json('status', '--count');
        expect(renames.filter(({ mismatches }: { mismatches: number }) => mismatches !== 0)).toEqual([]);
      }
      expect(await valuesOf(renamed, columns, 'new')).toEqual(before);
      await expectPlainRename(renamed, plain);
    } finally {
      project.remove();
      await Promise.all([renamed.drop(), plain.drop()]);
    }
  },
  300_000,
);
