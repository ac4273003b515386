import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { DataChangeRequest } from '../../src/data/audit/request.ts';
import type { RestoreRequest } from '../../src/data/audit/restore.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openWork, TEST_RUN } from '../support/work.ts';

let database: TestDatabase;
let root: string;
beforeEach(async () => {
  database = await createDatabase();
  root = mkdtempSync(join(tmpdir(), 'triphase-audits-'));
  await database.sql(`CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Na me" text, tags text[], data jsonb, at timestamptz, size numeric, raw bytea,
      long text GENERATED ALWAYS AS ("Na me" || '!') STORED);
    INSERT INTO t ("Na me", tags, data, at, size, raw)
      SELECT CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE E'line\\n"' || n END, ARRAY[n::text, NULL, 'a,b'], jsonb_build_object('n', n),
        '2026-01-01 00:00:00.123456+02'::timestamptz + n * interval '1 hour', n / 7.0, decode(lpad(to_hex(n), 8, '0'), 'hex')
      FROM generate_series(1, 50) AS n`);
});
afterEach(async () => {
  await database.drop();
  rmSync(root, { recursive: true, force: true });
});

const all = () => database.sql('SELECT t::text AS row FROM t ORDER BY id');

/** Makes a change, lets something happen, and takes the change back. */
async function changeAndRestore(
  request: DataChangeRequest,
  restore: Omit<RestoreRequest, 'table'> = {},
  between = 'SELECT 1',
) {
  const { context, close } = await openWork(database, {
    root,
    settings: { store: 'files', gzip: false, smallChange: 100 },
  });
  try {
    await context.dataChange('change', request);
    await database.sql(between);
    return await context.restoreFrom('change', { table: 't', ...restore });
  } finally {
    await close();
  }
}

const UPDATE: DataChangeRequest = {
  key: 'id',
  pre: 'SELECT * FROM t WHERE id <= 20',
  change: `UPDATE t SET "Na me" = 'x', tags = NULL, data = '{}', at = now(), size = NULL, raw = '' WHERE id <= 20 RETURNING *`,
  post: 'SELECT t.* FROM t JOIN pre_keys USING (id)',
};

test.each<[string, DataChangeRequest]>([
  ['an UPDATE', UPDATE],
  [
    'an UPDATE whose post holds a part of the columns',
    {
      key: 'id',
      pre: 'SELECT * FROM t WHERE id <= 20',
      change: 'UPDATE t SET size = -1 WHERE id <= 20 RETURNING *',
      post: 'SELECT id, size FROM t JOIN pre_keys USING (id)',
    },
  ],
  [
    'an UPDATE without post',
    {
      key: 'id',
      pre: 'SELECT id, size FROM t WHERE id <= 20',
      change: 'UPDATE t SET size = -1 WHERE id <= 20 RETURNING id, size',
    },
  ],
  [
    'a MERGE that updates, inserts and deletes',
    {
      key: 'id',
      keys: 'any',
      pre: 'SELECT * FROM t WHERE id <= 20',
      change: `MERGE INTO t USING generate_series(1, 60) AS s(n) ON t.id = s.n
        WHEN MATCHED AND n <= 5 THEN UPDATE SET size = -1 WHEN MATCHED AND n <= 10 THEN DELETE
        WHEN NOT MATCHED THEN INSERT (id, size) OVERRIDING SYSTEM VALUE VALUES (n, n) RETURNING t.*`,
      post: 'SELECT t.* FROM t WHERE id <= 20',
    },
  ],
  [
    'an upsert',
    {
      key: 'id',
      keys: 'any',
      pre: 'SELECT * FROM t WHERE id IN (49, 50)',
      change: `INSERT INTO t (id, size) OVERRIDING SYSTEM VALUE SELECT n, -1 FROM generate_series(49, 53) AS n
        ON CONFLICT (id) DO UPDATE SET size = excluded.size RETURNING *`,
    },
  ],
  ['a DELETE', { key: 'id', pre: 'SELECT * FROM t WHERE id > 40', change: 'DELETE FROM t WHERE id > 40 RETURNING id' }],
  ['an INSERT', { key: 'id', change: `INSERT INTO t (size) SELECT n FROM generate_series(1, 5) AS n RETURNING *` }],
])('%s is taken back to the byte', async (_title, request) => {
  const before = await all();
  await changeAndRestore(request);
  expect(await all()).toEqual(before);
});

test('a row that a DELETE took is not put back in part', async () => {
  const request = {
    key: 'id',
    pre: 'SELECT id, size FROM t WHERE id > 40',
    change: 'DELETE FROM t WHERE id > 40 RETURNING id',
  };
  await expect(changeAndRestore(request)).rejects.toMatchObject({
    code: 'PH5019',
    message: expect.stringContaining('change'),
  });
});

test('without post and a plain command nobody knows which rows are still there', async () => {
  const request = {
    key: 'id',
    pre: 'SELECT id, size FROM t WHERE id = 1',
    change: 'WITH x AS (DELETE FROM t WHERE id = 1 RETURNING *) SELECT * FROM x',
  };
  await expect(changeAndRestore(request)).rejects.toMatchObject({ code: 'PH5019' });
});

test('many rows are compared by joins, also where they do not fit into memory', async () => {
  await database.sql(`INSERT INTO t (size) SELECT n FROM generate_series(1, 60000) AS n`);
  const before = await all();
  const name = new URL(database.url).pathname.slice(1);
  await database.sql(`ALTER DATABASE ${name} SET work_mem = '64kB'`);
  await changeAndRestore({
    key: 'id',
    pre: 'SELECT id, size FROM t',
    change: 'UPDATE t SET size = -1 RETURNING id, size',
    post: 'SELECT id, size FROM t JOIN pre_keys USING (id)',
  });
  expect(await all()).toEqual(before);
}, 30_000);

test('the restore has an audit of its own', async () => {
  await changeAndRestore(UPDATE);
  const audits = await database.sql('SELECT name, kind, rows::int FROM phase.audits ORDER BY number');
  expect(audits.slice(3)).toEqual(
    ['pre', 'change', 'post'].map((kind) => ({ name: 'change_restore', kind, rows: 20 })),
  );
});

const MEANWHILE = 'UPDATE t SET size = 99 WHERE id = 7; DELETE FROM t WHERE id = 8';
test('rows that were changed since stop it, are skipped, or are overwritten', async () => {
  await expect(changeAndRestore(UPDATE, {}, MEANWHILE)).rejects.toMatchObject({
    code: 'PH5019',
    why: expect.stringMatching(/changed since, among them 7; 8/),
  });
  const { context, close } = await openWork(database, {
    root,
    run: `${TEST_RUN}b`,
    settings: { store: 'files', gzip: false, smallChange: 100 },
  });
  expect(await context.restoreFrom('change', { table: 't', conflicts: 'skip' })).toMatchObject({ change: 18 });
  const [{ size }] = await database.sql('SELECT size FROM t WHERE id = 7');
  expect(size).toBe('99');
  await close();
});

test('overwriting puts back what the audit holds', async () => {
  expect(await changeAndRestore(UPDATE, { conflicts: 'overwrite' }, MEANWHILE)).toMatchObject({ change: 19 });
  const [{ size }] = await database.sql('SELECT round(size, 3)::text AS size FROM t WHERE id = 7');
  expect(size).toBe('1.000');
});

test('deleted rows that are there again are a conflict', async () => {
  const request = {
    key: 'id',
    pre: 'SELECT * FROM t WHERE id = 50',
    change: 'DELETE FROM t WHERE id = 50 RETURNING id',
  };
  await expect(
    changeAndRestore(request, {}, 'INSERT INTO t (id, size) OVERRIDING SYSTEM VALUE VALUES (50, 1)'),
  ).rejects.toMatchObject({ code: 'PH5019' });
});

test.each<[string, DataChangeRequest, string]>([
  ['redacted columns', { ...UPDATE, redact: ['Na me'] }, 'redacted'],
  [
    'a column that the table has no more',
    {
      key: 'id',
      pre: 'SELECT id, 1 AS gone FROM t WHERE id = 1',
      change: 'UPDATE t SET size = 1 WHERE id = 1 RETURNING id',
    },
    'no column gone',
  ],
])('%s cannot be restored, which is said', async (_title, request, reason) => {
  await expect(changeAndRestore(request)).rejects.toMatchObject({
    code: 'PH5019',
    why: expect.stringContaining(reason),
  });
});

test('a change that was never made cannot be taken back', async () => {
  const { context, close } = await openWork(database, { root });
  await expect(context.restoreFrom('other', { table: 't' })).rejects.toMatchObject({ code: 'PH5019' });
  await close();
});
