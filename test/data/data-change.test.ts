import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { repairAudits } from '../../src/data/audit/repair.ts';
import type { DataChangeRequest } from '../../src/data/audit/request.ts';
import { verifyAudit } from '../../src/data/audit/stored.ts';
import { listAudits } from '../../src/ledger/audits.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeKnex } from '../support/knex.ts';
import { openWork, TEST_RUN, type TestWorkOptions } from '../support/work.ts';

let database: TestDatabase;
let root: string;
beforeEach(async () => {
  database = await createDatabase();
  root = mkdtempSync(join(tmpdir(), 'triphase-audits-'));
  await database.sql(`CREATE TABLE users (id int PRIMARY KEY, name text, country text);
    INSERT INTO users VALUES (1, 'Ada', 'UK'), (2, '', 'UK'), (3, NULL, 'FR'), (4, 'O''Neil, "Zoë"', 'UK')`);
});
afterEach(async () => {
  await database.drop();
  rmSync(root, { recursive: true, force: true });
});

const FILES = { store: 'files', gzip: false, smallChange: 10_000 } as const;
const MERGE: DataChangeRequest = {
  key: 'id',
  pre: "SELECT id, name, country FROM users WHERE country = 'UK' ORDER BY id",
  change: "UPDATE users SET country = 'GB' WHERE country = 'UK' RETURNING id, country",
  post: 'SELECT u.id, u.country FROM users u JOIN pre_keys USING (id) ORDER BY id',
};

/** One data change as a task makes it: in a transaction of its own. */
async function change(request: DataChangeRequest, options: TestWorkOptions = {}, name = 'merge') {
  const opened = await openWork(database, { root, settings: FILES, ...options });
  try {
    return { ...(await opened.context.dataChange(name, request)), notices: opened.notices };
  } finally {
    await opened.close();
  }
}

const filesOf = (folder = root): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
const textOf = (kind: string): string =>
  readFileSync(filesOf().find((file) => file.includes(`.${kind}.csv`)) ?? '', 'utf8');
const countries = async () =>
  (await database.sql('SELECT string_agg(country, $1 ORDER BY id) AS all FROM users', [','])).at(0)?.all;

test('what was there, the change, and what is there then are written as COPY writes them', async () => {
  const { pre, change: changed, post } = await change(MERGE);
  expect({ pre, changed, post }).toEqual({ pre: 3, changed: 3, post: 3 });
  expect(textOf('pre')).toBe('id,name,country\n1,Ada,UK\n2,"",UK\n4,"O\'Neil, ""Zoë""",UK\n');
  expect(textOf('change').split('\n').sort()).toEqual(['', '1,GB', '2,GB', '4,GB', 'id,country']);
  expect(textOf('post')).toBe('id,country\n1,GB\n2,GB\n4,GB\n');
  expect(await countries()).toBe('GB,GB,FR,GB');
  for (const file of filesOf()) expect(statSync(file).mode & 0o777).toBe(0o600);
  for (const audit of await listAudits(database.client)) {
    expect(await verifyAudit(database.client, root, audit)).toBe('ok');
    expect(audit.file).toMatch(new RegExp(`^db/audits/test_[0-9a-f]+/m/${TEST_RUN}/merge\\.${audit.kind}\\.csv$`));
  }
});

test.each<[string, DataChangeRequest]>([
  ['no key', { ...MERGE, key: [] }],
  ['a key that a query does not give', { ...MERGE, pre: "SELECT name FROM users WHERE country = 'UK'" }],
  ['a column to be redacted that is not there', { ...MERGE, redact: ['nmae'] }],
  ['a key to be redacted', { ...MERGE, redact: ['id'] }],
  ['a summary with a key', { key: 'id', summary: true, pre: 'SELECT 1' }],
  ['nothing to do', { key: 'id' }],
  ['pre and post without a change between', { key: 'id', pre: 'SELECT 1 AS id', post: 'SELECT 1 AS id' }],
  [
    'a post that needs a pre that was never written',
    { key: 'id', post: 'SELECT id FROM users JOIN pre_keys USING (id)' },
  ],
])('%s is refused, and nothing has happened', async (_title, request) => {
  await expect(change(request)).rejects.toMatchObject({ code: 'PH5017' });
  expect({ files: filesOf(), countries: await countries() }).toEqual({ files: [], countries: 'UK,UK,FR,UK' });
});

test.each<[string, DataChangeRequest, string]>([
  [
    'a change of rows that pre does not have',
    { ...MERGE, pre: 'SELECT id FROM users WHERE id IN (1, 2)' },
    'change has 1 key that pre does not have',
  ],
  [
    'a change that leaves rows of pre out',
    { ...MERGE, change: "UPDATE users SET country = 'GB' WHERE id = 1 RETURNING id" },
    'pre has 2 keys that change does not have',
  ],
  [
    'a post that misses rows',
    { ...MERGE, post: "SELECT id FROM users WHERE country = 'UK'" },
    'pre has 3 keys that post does not have',
  ],
  [
    'keys more than once',
    { ...MERGE, pre: "SELECT id FROM users, generate_series(1, 2) WHERE country = 'UK'" },
    'pre has keys more than once',
  ],
  [
    'a key that is NULL',
    {
      ...MERGE,
      key: 'name',
      pre: 'SELECT name FROM users',
      change: 'UPDATE users SET country = country RETURNING name',
      post: 'SELECT name FROM users',
    },
    'pre has rows whose key is NULL',
  ],
])('%s is rolled back with the difference', async (_title, request, reason) => {
  await expect(change(request)).rejects.toMatchObject({ code: 'PH5018', message: expect.stringContaining(reason) });
  const [{ audits }] = await database.sql('SELECT count(*)::int AS audits FROM phase.audits');
  expect({ files: filesOf(), countries: await countries(), audits }).toEqual({
    files: [],
    countries: 'UK,UK,FR,UK',
    audits: 0,
  });
});

test("keys: 'any' lifts the comparison, and the audit says so", async () => {
  await change({ ...MERGE, pre: 'SELECT id FROM users', keys: 'any' });
  const [audit] = await listAudits(database.client);
  expect(audit?.keysRule).toBe('any');
});

test.each<[string, DataChangeRequest, Record<string, number | null>]>([
  [
    'an INSERT',
    {
      key: 'id',
      change: "INSERT INTO users VALUES (9, 'New', 'DE') RETURNING id, name",
      post: 'SELECT u.* FROM users u JOIN change_keys USING (id)',
    },
    { pre: null, change: 1, post: 1 },
  ],
  [
    'a DELETE',
    {
      key: 'id',
      pre: "SELECT * FROM users WHERE country = 'UK'",
      change: "DELETE FROM users WHERE country = 'UK' RETURNING *",
    },
    { pre: 3, change: 3, post: null },
  ],
  [
    'WITH before the statement',
    {
      ...MERGE,
      change:
        "WITH found AS (SELECT id FROM users WHERE country = 'UK'), moved AS (UPDATE users u SET country = 'GB' FROM found f WHERE u.id = f.id RETURNING u.id, u.country) SELECT * FROM moved;",
    },
    { pre: 3, change: 3, post: 3 },
  ],
  [
    'MERGE',
    {
      ...MERGE,
      change:
        "MERGE INTO users u USING (SELECT id FROM users WHERE country = 'UK') s ON u.id = s.id WHEN MATCHED THEN UPDATE SET country = 'GB' RETURNING u.id, merge_action() AS did",
    },
    { pre: 3, change: 3, post: 3 },
  ],
  [
    'values for $1',
    {
      key: 'id',
      pre: { sql: 'SELECT id, country FROM users WHERE country = $1', values: ['UK'] },
      change: { sql: 'UPDATE users SET country = $2 WHERE country = $1 RETURNING id', values: ['UK', 'GB'] },
      post: 'SELECT id, country FROM users JOIN pre_keys USING (id) -- all of them',
    },
    { pre: 3, change: 3, post: 3 },
  ],
  [
    'a key of two columns',
    {
      key: ['id', 'name'],
      pre: 'SELECT id, name FROM users WHERE id = 1',
      change: "UPDATE users SET country = 'GB' WHERE id = 1 RETURNING name, id",
      post: 'SELECT u.id, u.name FROM users u JOIN pre_keys USING (id, name)',
    },
    { pre: 1, change: 1, post: 1 },
  ],
  [
    'no row at all',
    {
      ...MERGE,
      pre: "SELECT id FROM users WHERE country = 'XX'",
      change: "UPDATE users SET country = 'GB' WHERE country = 'XX' RETURNING id",
    },
    { pre: 0, change: 0, post: 0 },
  ],
])('%s', async (_title, request, expected) => {
  expect(await change(request)).toMatchObject(expected);
  for (const audit of await listAudits(database.client))
    expect(await verifyAudit(database.client, root, audit)).toBe('ok');
});

test('a redacted value is a digest, equal where the value is, NULL stays NULL, and the types do not matter', async () => {
  await database.sql(`UPDATE users SET name = 'Ada' WHERE id = 2; UPDATE users SET country = 'UK'`);
  await change({ ...MERGE, redact: ['name'] });
  const rows = textOf('pre')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  expect(rows.map(([, name]) => name)).toEqual([
    expect.stringMatching(/^hmac:[0-9a-f]{32}$/),
    rows[0]?.[1],
    '',
    expect.stringMatching(/^hmac:/),
  ]);
  expect(rows[3]?.[1]).not.toBe(rows[0]?.[1]);
});

test('before and after a change in batches: two calls, the same rows, kept when it is taken up again', async () => {
  const { context, close, notices } = await openWork(database, { root, settings: FILES });
  await context.dataChange('all', { key: 'id', pre: 'SELECT id, country FROM users' });
  await context.backfill({ table: 'users', set: { country: "'GB'" }, where: "country = 'UK'" });
  await context.dataChange('all', { key: 'id', pre: 'SELECT id, country FROM users' });
  await context.dataChange('all', { key: 'id', post: 'SELECT id, country FROM users JOIN pre_keys USING (id)' });
  await close();
  expect(notices).toEqual([expect.stringContaining('was written before and is kept')]);
  expect(textOf('pre')).toContain('1,UK');
  expect(textOf('post')).toContain('1,GB');
});

test('a summary has no key', async () => {
  await change({ pre: 'SELECT country, count(*) FROM users GROUP BY 1 ORDER BY 1', summary: true });
  expect(textOf('pre')).toBe('country,count\nFR,1\nUK,3\n');
});

test('a large change is advised against before it runs, and by what it changed', async () => {
  const settings = { ...FILES, smallChange: 2 };
  const { notices } = await change(MERGE, { settings });
  expect(notices).toEqual([expect.stringMatching(/merge changes (about )?\d rows .*backfill/)]);
});

test('a row that another session changes meanwhile is met by trying again, on one snapshot each time', async () => {
  let tries = 0;
  await database.sql(
    `CREATE FUNCTION other_session() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN 1; END'`,
  );
  const other = createOther();
  const running = change({
    ...MERGE,
    pre: "SELECT id, country FROM users, other_session() WHERE country = 'UK' AND other_session = 1",
  });
  await new Promise((done) => setTimeout(done, 100));
  tries++;
  await (await other).query("UPDATE users SET name = 'changed' WHERE id = 1");
  await running;
  await (await other).end();
  expect({ tries, countries: await countries() }).toEqual({ tries: 1, countries: 'GB,GB,FR,GB' });
  expect(textOf('pre').match(/\n/g)).toHaveLength(4);
});

async function createOther() {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  return client;
}

test('in a transaction of a migration the audit has its name only once that has committed', async () => {
  const knex = makeKnex({ client: 'pg', connection: database.url });
  const trx = await knex.transaction({ isolationLevel: 'repeatable read' });
  const { context, work, close } = await openWork(database, { root, settings: FILES, knex: trx });
  await context.dataChange('merge', MERGE);
  expect(filesOf().every((file) => file.endsWith('.partial'))).toBe(true);
  await trx.commit();
  await work.succeeded();
  expect(filesOf().map((file) => file.split('.').slice(-2).join('.'))).toEqual(['change.csv', 'post.csv', 'pre.csv']);
  await close();
  await knex.destroy();
});

test('READ COMMITTED is refused, since its queries see different states', async () => {
  const knex = makeKnex({ client: 'pg', connection: database.url });
  const trx = await knex.transaction();
  const { context, work, close } = await openWork(database, { root, settings: FILES, knex: trx });
  await expect(context.dataChange('merge', MERGE)).rejects.toMatchObject({
    code: 'PH5017',
    why: expect.stringContaining('READ COMMITTED'),
  });
  await trx.rollback();
  await work.failed({ code: 'PH5017', message: '' });
  await close();
  await knex.destroy();
});

test('a name is used once in a run', async () => {
  const { context, close } = await openWork(database, { root, settings: FILES });
  await context.dataChange('merge', MERGE);
  await database.sql("UPDATE users SET country = 'UK' WHERE country = 'GB'");
  await expect(context.dataChange('merge', MERGE)).rejects.toMatchObject({ code: 'PH5017' });
  await expect(context.dataChange('../merge', MERGE)).rejects.toMatchObject({ code: 'PH5017' });
  await close();
});

test('a folder that cannot be written rolls the change back', async () => {
  writeFileSync(join(root, 'db'), 'a file where a folder is needed');
  await expect(change(MERGE)).rejects.toMatchObject({ code: 'PH5011' });
  expect(await countries()).toBe('UK,UK,FR,UK');
});

const small = mkdtempSync(join(tmpdir(), 'triphase-small-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]).status === 0;
// Without the right to mount there is no disk to fill.
(mounted ? test : test.skip)(
  'a disk that is full in the middle rolls the change back, and the connection goes on',
  async () => {
    await database.sql(`INSERT INTO users SELECT n, repeat('x', 100), 'UK' FROM generate_series(10, 5000) AS n`);
    const { context, close } = await openWork(database, { root: small, settings: FILES });
    try {
      await expect(context.dataChange('merge', MERGE)).rejects.toMatchObject({
        code: 'PH5011',
        message: expect.stringContaining('ENOSPC'),
      });
      await expect(context.dataChange('merge', { key: 'id', pre: 'SELECT * FROM users' })).rejects.toMatchObject({
        code: 'PH5011',
      });
      expect(filesOf(small)).toEqual([]);
      await context.dataChange('few', { key: 'id', pre: 'SELECT * FROM users WHERE id < 5' });
      const [{ left }] = await database.sql(`SELECT count(*)::int AS left FROM users WHERE country = 'GB'`);
      expect(left).toBe(0);
    } finally {
      await close();
      spawnSync('umount', [small]);
      rmSync(small, { recursive: true, force: true });
    }
  },
);

test.each([
  ['files', true],
  ['database', false],
  ['database', true],
] as const)('kept in %s, gzip %s, and read back verified', async (store, gzip) => {
  const { context, close } = await openWork(database, { root, settings: { ...FILES, store, gzip } });
  await context.dataChange('merge', MERGE);
  const [pre] = await listAudits(database.client);
  const { csv } = await context.readAudit(pre?.file ?? '');
  let text = '';
  for await (const chunk of csv) text += String(chunk);
  expect(text).toBe('id,name,country\n1,Ada,UK\n2,"",UK\n4,"O\'Neil, ""Zoë""",UK\n');
  const files = filesOf();
  if (store === 'database') expect(files).toEqual([]);
  else expect(gunzipSync(readFileSync(files.find((file) => file.includes('.pre.')) ?? '')).toString()).toBe(text);
  await close();
});

test('a changed, a shortened and a missing file are told apart, and none is used', async () => {
  await change(MERGE);
  const audits = await listAudits(database.client);
  const [first, second, third] = audits.map(({ file }) => join(root, file));
  const text = readFileSync(first ?? '', 'utf8');
  writeFileSync(first ?? '', text.replace('Ada', 'Eve'));
  writeFileSync(second ?? '', readFileSync(second ?? '', 'utf8').slice(0, -3));
  rmSync(third ?? '');
  const states = [];
  for (const audit of audits) states.push(await verifyAudit(database.client, root, audit));
  expect(states).toEqual(['changed', 'short', 'missing']);
  const { context, close } = await openWork(database, { root, settings: FILES });
  await expect(context.restoreFrom('merge', { table: 'users' })).rejects.toMatchObject({ code: 'PH3016', exitCode: 5 });
  await close();
});

test('a crash between the commit and the name is made good; what was rolled back goes, what still works stays', async () => {
  await change(MERGE);
  const [named] = filesOf();
  const text = readFileSync(named ?? '', 'utf8');
  rmSync(named ?? '');
  writeFileSync(`${named}.partial`, text);
  const orphan = join(root, 'db/audits/d/m/deadbeef/x.pre.csv.partial');
  const busy = join(root, 'db/audits/d/m/alive123/x.pre.csv.partial');
  for (const path of [orphan, busy]) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, 'half');
  }
  const other = await createOther();
  await other.query(`SET application_name = 'phase-task alive123 somebody'`);
  // A backend may outlive its client for a moment, and what still works is left alone.
  for (let tries = 0; tries < 50 && !existsSync(named ?? ''); tries++) {
    await repairAudits(database.client, root);
    await new Promise((done) => setTimeout(done, 50));
  }
  expect({
    named: readFileSync(named ?? '', 'utf8') === text,
    orphan: existsSync(orphan),
    busy: existsSync(busy),
  }).toEqual({ named: true, orphan: false, busy: true });
  await other.end();
});

test('an audit is never written over another file', async () => {
  const path = join(root, 'db/audits', new URL(database.url).pathname, `m/${TEST_RUN}/merge.pre.csv`);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, 'mine');
  await expect(change(MERGE)).rejects.toMatchObject({ code: 'PH5011' });
  expect({ text: readFileSync(path, 'utf8'), countries: await countries() }).toEqual({
    text: 'mine',
    countries: 'UK,UK,FR,UK',
  });
});
