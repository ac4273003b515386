import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { Pace } from '../../src/data/backfill/pace.ts';
import { countRows } from '../../src/data/count.ts';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { FAST_SETTINGS } from '../support/server.ts';
import { openWork, type TestWorkOptions } from '../support/work.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const REQUEST = { table: '"public"."t"', set: { copy: '"value"' }, where: '"value" IS DISTINCT FROM "copy"' };
const left = () => countRows([database.client], REQUEST.table, REQUEST.where);
const fill = (rows: number, key = 'id int PRIMARY KEY') =>
  database.sql(
    `CREATE TABLE t (${key}, value text, copy text); INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, ${rows}) AS n`,
  );

/** One backfill as a migration runs it; gives the rows that it changed. */
async function backfill(request: object = {}, options: TestWorkOptions = {}): Promise<number> {
  const { context, work, close } = await openWork(database, options);
  try {
    const { rows } = await context.backfill({ ...REQUEST, ...request });
    await work.succeeded();
    return rows;
  } catch (error) {
    await work.failed({ code: 'PH5000', message: String(error) });
    throw error;
  } finally {
    await close();
  }
}

test.each([
  ['a key', 'id int PRIMARY KEY', {}],
  ['no key', 'id int', {}],
  ['three workers', 'id int PRIMARY KEY', { workers: 3 }],
  ['the walk by keys', 'id int PRIMARY KEY', { walk: 'keys' }],
  [
    'the walk by a key of two columns, which PostgreSQL prints with quotes',
    `id int, "K'ey" text DEFAULT 'it''s', PRIMARY KEY ("K'ey", id)`,
    { walk: 'keys', workers: 2 },
  ],
])('every row that needs it is written once, with %s', async (_title, key, request) => {
  await database.sql(`CREATE TABLE t (${key}, value text, copy text);
    INSERT INTO t (id, value) SELECT n, 'v' || n FROM generate_series(1, 20000) AS n`);
  await database.sql(`UPDATE t SET copy = value WHERE id % 2 = 0`);
  expect(await backfill(request)).toBe(10_000);
  expect(await left()).toBe(0);
  const [course] = await database.sql('SELECT rows::int, done FROM phase.backfills');
  const [{ windows }] = await database.sql('SELECT count(*)::int AS windows FROM phase.windows');
  expect({ ...course, windows }).toEqual({ rows: 10_000, done: true, windows: 0 });
});

test('an empty table is nothing to do', async () => {
  await database.sql('CREATE TABLE t (value text, copy text)');
  expect(await backfill()).toBe(0);
});

test('a table of another access method is walked by its key, one without a key is refused', async () => {
  await database.sql(`CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;
    CREATE TABLE t (id int PRIMARY KEY, value text, copy text) USING other; CREATE TABLE keyless (value text, copy text) USING other;
    INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 2000) AS n; INSERT INTO keyless VALUES ('a')`);
  expect(await backfill()).toBe(2_000);
  const [{ walk }] = await database.sql('SELECT walk FROM phase.backfills');
  expect(walk).toBe('keys');
  await expect(backfill({ table: 'keyless' })).rejects.toMatchObject({ code: 'PH2017' });
});

/**
 * A server that nobody else uses. A transaction that writes in any database of a server keeps PostgreSQL from clearing dead
 * rows as it goes, since it computes that horizon anew only when the oldest running transaction changes.
 */
async function alone(body: () => Promise<void>): Promise<void> {
  const server = {
    version: NEWEST_EMBEDDED,
    project: repository,
    name: `growth-${process.pid}`,
    settings: FAST_SETTINGS,
  };
  await database.drop();
  database = await createDatabase(await startEmbedded(server));
  try {
    await body();
  } finally {
    await database.drop();
    await removeEmbedded(server);
    database = await createDatabase();
  }
}

test('the file grows by little, where one UPDATE doubles it, and most rows change on their own page', () =>
  alone(async () => {
    await database.sql(`CREATE TABLE t (id int PRIMARY KEY, value text, copy text, filler text) WITH (autovacuum_enabled = off);
    INSERT INTO t SELECT n, 'v', NULL, repeat('x', 60) FROM generate_series(1, 60000) AS n`);
    // Whatever looks at the table meanwhile keeps dead rows for its snapshot, autovacuum's ANALYZE, too.
    await database.sql('VACUUM t');
    const size = async () => (await database.sql(`SELECT pg_relation_size('t')::float8 AS heap`))[0].heap;
    const before = await size();
    await backfill({}, { settingsOf: { batchDuration: 100 } });
    expect((await size()) / before).toBeLessThan(1.3);
    const counted = () =>
      database.sql(
        `SELECT pg_stat_get_tuples_hot_updated('t'::regclass)::int AS hot, pg_stat_get_tuples_updated('t'::regclass)::int AS updates`,
      );
    // A backend says what it has done when it ends, which is after its client has gone.
    let [{ hot, updates }] = await counted();
    for (let tries = 0; tries < 50 && updates < 60_000; tries++) {
      await sleep(100);
      [{ hot, updates }] = await counted();
    }
    expect({ updates, mostAreHot: hot > updates / 2 }).toEqual({ updates: 60_000, mostAreHot: true });
  }));

test('the checkpoint commits with its batch: interrupted anywhere, it goes on and writes no row twice', async () => {
  await fill(20_000);
  const interrupted = new Error('killed');
  for (let kill = 1; kill <= 5; kill++) {
    let batches = 0;
    const onProgress = () => {
      if (++batches === 2) throw interrupted;
    };
    await expect(backfill({}, { onProgress, settingsOf: { batchDuration: 1 } })).rejects.toBe(interrupted);
    const [checkpoint] = await database.sql('SELECT rows::int FROM phase.backfills');
    expect(checkpoint.rows).toBe(20_000 - (await left()));
  }
  const rows = await backfill();
  const [{ total }] = await database.sql('SELECT rows::int AS total FROM phase.backfills');
  expect({ total, rows: rows < 20_000 }).toEqual({ total: 20_000, rows: true });
});

test('a table whose file is replaced in the middle is walked anew', async () => {
  await fill(20_000);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  let replaced: Promise<unknown> | null = null;
  // CLUSTER by the other order puts rows that were not done onto pages that were.
  await database.sql('CREATE INDEX reversed ON t ((-id))');
  const onProgress = () => {
    replaced ??= other.query('CLUSTER t USING reversed');
  };
  await backfill({ workers: 2 }, { onProgress, settingsOf: { batchDuration: 1 } });
  await replaced;
  await other.end();
  expect(await left()).toBe(0);
});

test('a row that is locked for a moment delays it and nothing else', async () => {
  await fill(5_000);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('BEGIN; UPDATE t SET value = value WHERE id = 2500');
  setTimeout(() => void other.query('COMMIT'), 900);
  await backfill({}, { patience: { lockTimeoutMs: 200, attempts: 30 } });
  await other.end();
  expect(await left()).toBe(0);
});

test('a row that stays locked is exit 6, and what was done stays done', async () => {
  await fill(5_000);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('BEGIN; UPDATE t SET value = value WHERE id = 4900');
  await expect(backfill({}, { patience: { lockTimeoutMs: 200, attempts: 2 } })).rejects.toMatchObject({
    code: 'PH4002',
    exitCode: 6,
  });
  await other.end();
  expect(await left()).toBeLessThan(5_000);
});

test('a condition that never becomes false is found by the first batch, and nothing is written', async () => {
  await fill(1_000);
  await expect(backfill({ where: 'id > 0' })).rejects.toMatchObject({
    code: 'PH5009',
    why: expect.stringContaining('would never end'),
  });
  expect(await left()).toBe(1_000);
});

test('a condition that becomes true again by itself ends when a pass makes no progress', async () => {
  await fill(1_000);
  // The first batch looks at its own rows only.
  const where = 'copy IS NULL OR (SELECT count(*) FROM t AS other WHERE other.copy IS NOT NULL) > 100';
  await expect(backfill({ where })).rejects.toMatchObject({ code: 'PH5009' });
});

test('every partition and child is walked, also one that comes meanwhile; one that goes is left out', async () => {
  await database.sql(`CREATE TABLE t (id int, value text, copy text) PARTITION BY RANGE (id);
    CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (1000);
    INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 900) AS n`);
  let seen = false;
  const changes: Promise<unknown>[] = [];
  const onProgress = () => {
    if (seen) return;
    seen = true;
    changes.push(
      database.sql(`CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (1000) TO (2000); INSERT INTO t VALUES (1500, 'late');
        ALTER TABLE t DETACH PARTITION t2; DROP TABLE t2`),
    );
  };
  const rows = await backfill({}, { onProgress });
  await Promise.all(changes);
  expect({ rows: rows >= 100, left: await left() }).toEqual({ rows: true, left: 0 });
});

test('children by plain inheritance are walked, as UPDATE would', async () => {
  await database.sql(`CREATE TABLE t (id int, value text, copy text); CREATE TABLE child () INHERITS (t);
    INSERT INTO t VALUES (1, 'a'); INSERT INTO child VALUES (2, 'b')`);
  expect(await backfill()).toBe(2);
});

test.each([
  ['a view', 'CREATE VIEW t AS SELECT 1 AS value, 1 AS copy'],
  [
    'a foreign partition',
    `CREATE TABLE t (id int, value text, copy text) PARTITION BY RANGE (id); CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
     CREATE FOREIGN TABLE f PARTITION OF t FOR VALUES FROM (0) TO (10) SERVER s`,
  ],
])('%s is refused by name', async (_title, schema) => {
  await database.sql(schema);
  await expect(backfill()).rejects.toMatchObject({ code: 'PH2017', exitCode: 4 });
});

test('a table that is not there, or is dropped in the middle, is said to be gone', async () => {
  await expect(backfill({ table: 'nowhere' })).rejects.toMatchObject({ code: 'PH5013' });
  await fill(20_000);
  let dropped: Promise<unknown> | null = null;
  const onProgress = () => {
    dropped ??= database.sql('DROP TABLE t');
  };
  await expect(backfill({ workers: 2 }, { onProgress, settingsOf: { batchDuration: 1 } })).rejects.toMatchObject({
    code: 'PH5013',
  });
  await dropped;
});

test('triggers of the application fire, unless they are kept quiet, which the audit says', async () => {
  await database.sql(`CREATE TABLE t (id int PRIMARY KEY, value text, copy text, touched int DEFAULT 0);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch(); INSERT INTO t VALUES (1, 'a')`);
  await backfill({ quietTriggers: true });
  await database.sql(`UPDATE t SET value = 'b'`);
  const [{ touched }] = await database.sql('SELECT touched FROM t');
  expect(touched).toBe(1);
  const [{ text }] = await database.sql(`SELECT convert_from(bytes, 'UTF8') AS text FROM phase.audit_chunks`);
  expect(text).toMatch(
    /^table,rows,passes,remaining,triggers,started_at,finished_at\n"""public""\.""t""",1,1,0,quiet,/,
  );
});

test('a role that may not keep triggers quiet is told so', async () => {
  await fill(10);
  const { name, url } = await database.role();
  await database.sql(`GRANT ALL ON SCHEMA public TO ${name}; ALTER TABLE t OWNER TO ${name}`);
  await (await openWork(database)).close();
  await database.sql(`GRANT ALL ON SCHEMA phase TO ${name}; GRANT ALL ON ALL TABLES IN SCHEMA phase TO ${name}`);
  const { context, close } = await openWork({ url, client: database.client });
  await expect(context.backfill({ ...REQUEST, quietTriggers: true })).rejects.toMatchObject({ code: 'PH5016' });
  expect((await context.backfill(REQUEST)).rows).toBe(10);
  await close();
});

test('batches are steered towards their duration, by a factor of two at most, and never below one', () => {
  const pace = new Pace(16, 1_000);
  pace.took(16, 10, 100);
  expect(pace.size).toBe(32);
  pace.took(32, 80, 100);
  expect(pace.size).toBe(40);
  pace.took(40, 1_000, 100);
  expect(pace.size).toBe(20);
  pace.took(900, 1, 100);
  expect(pace.size).toBe(1_000);
  for (let times = 0; times < 10; times++) pace.split();
  expect(pace.size).toBe(1);
});
