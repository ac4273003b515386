import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { loadModule } from '../../src/load.ts';
import { plainDatabase } from '../../src/postgres/connection.ts';
import { openProject } from '../../src/project/config.ts';
import { waitFor } from '../../src/runner/wait.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration } from '../support/history.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const tables = async () => {
  const rows = await database.sql<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
};
const ledger = async () => (await database.sql(`SELECT to_regnamespace('phase') AS ledger`))[0].ledger;
/** Until some runner has the lock. */
async function lockTaken(): Promise<void> {
  for (;;) {
    const [{ taken }] =
      await database.sql(`SELECT count(*) > 0 AS taken FROM pg_locks WHERE locktype = 'advisory' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
    if (taken) return;
    await new Promise((done) => setTimeout(done, 20));
  }
}

const cut = (release: string) => project.json('release', 'cut', release);

describe('the order', () => {
  test('schema and data migrations interleave in one order', async () => {
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE log (n serial, what text)');
    await addMigration(project, '1.0.0', 'b', `INSERT INTO log (what) VALUES ('data before the column')`, {
      folder: 'data',
    });
    await addMigration(project, '1.0.0', 'c', `ALTER TABLE log ADD COLUMN more text DEFAULT 'x'`);
    await addMigration(project, '1.0.0', 'd', `INSERT INTO log (what, more) VALUES ('data after it', 'y')`, {
      folder: 'data',
    });
    const { applied, failed, from, to } = await project.json('migrate', '--release', '1.0.0');
    expect({ count: applied.length, failed, from, to }).toEqual({ count: 4, failed: null, from: null, to: '1.0.0' });
    expect(await database.sql('SELECT what, more FROM log ORDER BY n')).toEqual([
      { what: 'data before the column', more: 'x' },
      { what: 'data after it', more: 'y' },
    ]);
  });

  test.each([
    [
      'ts',
      `import type { Knex } from 'knex';\nexport async function up(knex: Knex): Promise<void> { await knex.schema.createTable('made', () => {}); }`,
    ],
    ['mjs', `export async function up(knex) { await knex.schema.createTable('made', () => {}); }`],
    ['js', `exports.up = (knex) => knex.schema.createTable('made', () => {});`],
    ['cjs', `module.exports = { up: (knex) => knex.schema.createTable('made', () => {}) };`],
    ['sql', 'CREATE TABLE made ();'],
  ])('a migration in .%s runs, and its id has no extension', async (extension, content) => {
    const id = await addMigration(project, '1.0.0', 'make', content, { extension });
    expect((await project.json('migrate')).applied).toEqual([id]);
    expect(await tables()).toEqual(['made']);
  });

  test('a late migration with a low timestamp still runs', async () => {
    await addMigration(project, '1.0.0', 'first', 'CREATE TABLE a ()');
    await project.json('migrate');
    project.write('db/migrate/20200101000000_late.sql', 'CREATE TABLE late ()');
    await project.json('hash');
    expect((await project.json('migrate')).applied).toEqual(['20200101000000_late']);
  });

  test('only the manifests up to the release run; an open one below is refused', async () => {
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
    await addMigration(project, '1.1.0', 'b', 'CREATE TABLE b ()');
    await project.json('migrate', '--release', '1.0.0');
    expect(await tables()).toEqual(['a']);
    const refused = await project.phase('migrate', '--release', '11.2.0', '--json');
    expect({ code: refused.code, error: refused.json.error.code }).toEqual({ code: 4, error: 'PH2003' });
    expect(await tables()).toEqual(['a']);
  });
});

describe('a migration that fails', () => {
  test('is rolled back with its ledger row, nothing after it runs, and the same command goes on', async () => {
    await addMigration(project, '1.0.0', 'good', 'CREATE TABLE good ()');
    const bad = await addMigration(project, '1.0.0', 'bad', 'CREATE TABLE half (); INSERT INTO missing VALUES (1)');
    await addMigration(project, '1.0.0', 'after', 'CREATE TABLE after ()');
    const ran = await project.phase('migrate', '--json');
    expect(ran.code).toBe(1);
    expect(ran.json).toMatchObject({
      applied: [expect.stringContaining('good')],
      failed: { id: bad, code: 'PH5005' },
      error: { code: 'PH5005' },
    });
    expect(ran.json.error.message).toContain('missing');
    expect(await tables()).toEqual(['good']);
    await database.sql('CREATE TABLE missing (n int)');
    expect((await project.json('migrate')).applied).toEqual([bad, expect.stringContaining('after')]);
    const [row] = await database.sql(
      `SELECT count(*)::int AS failed FROM phase.attempts WHERE outcome = 'failed' AND error_code = 'PH5005'`,
    );
    expect(row.failed).toBe(1);
  });

  test('outside a transaction it stays started, and is only run again when a person says so', async () => {
    const id = await addMigration(
      project,
      '1.0.0',
      'bad',
      '-- phase:no-transaction\nCREATE TABLE half ();\nSELECT 1 / 0;',
    );
    expect((await project.phase('migrate', '--json')).json.failed.id).toBe(id);
    const again = await project.phase('migrate', '--json');
    expect(again).toMatchObject({ code: 5, json: { error: { code: 'PH3011', message: expect.stringContaining(id) } } });
    expect((await project.json('status')).started).toEqual([id]);
    await project.json('resolve', id, '--applied');
    expect(await project.json('status')).toMatchObject({ applied: [{ id }], started: [], pending: [] });
  });

  test('resolve --retry lets it run again', async () => {
    const id = await addMigration(
      project,
      '1.0.0',
      'flaky',
      '-- phase:no-transaction\nINSERT INTO missing VALUES (1);',
    );
    await project.phase('migrate');
    await database.sql('CREATE TABLE missing (n int)');
    await project.json('resolve', id, '--retry');
    expect((await project.json('migrate')).applied).toEqual([id]);
  });

  test('one that stands still in its transaction is rolled back, and told so', async () => {
    const text = `exports.up = async (knex) => { await knex.raw("CREATE TABLE t (id int); SET LOCAL idle_in_transaction_session_timeout = '100ms'"); await new Promise((done) => setTimeout(done, 400)); await knex.raw('SELECT 1'); };`;
    await addMigration(project, '1.0.0', 'slow', text, { extension: 'js' });
    expect(await project.phase('migrate', '--json')).toMatchObject({ code: 1, json: { error: { code: 'PH5026' } } });
    expect(await database.sql(`SELECT to_regclass('t')::text AS t`)).toEqual([{ t: null }]);
  });

  test('one that ends its own transaction is found out', async () => {
    await addMigration(project, '1.0.0', 'sly', `exports.up = (knex) => knex.raw('COMMIT');`, { extension: 'js' });
    expect(await project.phase('migrate', '--json')).toMatchObject({ code: 1, json: { error: { code: 'PH5010' } } });
    expect((await project.json('status')).applied).toEqual([]);
  });

  test.each([
    ['no up', 'exports.down = () => {};', 'PH3014', 5],
    ['a syntax error', 'exports.up = (', 'PH5006', 1],
  ])('one with %s is refused before anything runs', async (_title, content, code, exit) => {
    await addMigration(project, '1.0.0', 'good', 'CREATE TABLE good ()');
    await addMigration(project, '1.0.0', 'bad', content, { extension: 'js' });
    expect(await project.phase('migrate', '--json')).toMatchObject({ code: exit, json: { error: { code } } });
    expect(await tables()).toEqual([]);
  });
});

describe('locks', () => {
  test('a migration that never gets its lock is exit 6, and it says who held it', async () => {
    await database.sql('CREATE TABLE busy (n int)');
    await addMigration(project, '1.0.0', 'alter', 'ALTER TABLE busy ADD COLUMN m int');
    const blocker = new pg.Client({ connectionString: database.url, application_name: 'the report' });
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE busy IN ACCESS SHARE MODE');
    try {
      const ran = await project.phase('migrate', '--json');
      expect(ran).toMatchObject({
        code: 6,
        json: { error: { code: 'PH4002', why: expect.stringContaining('the report') }, applied: [] },
      });
    } finally {
      await blocker.end();
    }
    expect((await project.json('migrate')).applied).toHaveLength(1);
  });

  test('a transaction that was prepared and never ended is named', async () => {
    const [{ most }] = await database.sql(`SELECT current_setting('max_prepared_transactions')::int AS most`);
    // A server that was given may know none.
    if (most === 0) return;
    await database.sql('CREATE TABLE busy (n int)');
    await addMigration(project, '1.0.0', 'alter', 'ALTER TABLE busy ADD COLUMN m int');
    const gid = `forgotten ${new URL(database.url).pathname.slice(1)}`;
    await database.sql(`BEGIN; INSERT INTO busy VALUES (1); PREPARE TRANSACTION '${gid}'`);
    try {
      const { code, json } = await project.phase('migrate', '--json');
      expect({ code, error: json.error }).toMatchObject({
        code: 6,
        error: { code: 'PH4002', why: expect.stringContaining(`the transaction '${gid}'`) },
      });
    } finally {
      await database.sql(`ROLLBACK PREPARED '${gid}'`);
    }
    expect((await project.json('migrate')).applied).toHaveLength(1);
  });

  test('another runner is waited for, named, and in the end refused', async () => {
    await addMigration(project, '1.0.0', 'slow', 'CREATE TABLE a (); SELECT pg_sleep(2.5)');
    const first = project.json('migrate');
    await lockTaken();
    const second = await project.phase('migrate', '--json');
    expect(second).toMatchObject({
      code: 6,
      json: { error: { code: 'PH4001', message: expect.stringContaining('phase-run') } },
    });
    expect((await first).applied).toHaveLength(1);
  });

  test('two at once run each migration once', async () => {
    project.write('phase.config.json', '{}');
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a (); SELECT pg_sleep(0.3)');
    await addMigration(project, '1.0.0', 'b', 'CREATE TABLE b (); SELECT pg_sleep(0.3)');
    project.write('phase.config.json', '{ "release": "1.0.0" }');
    const results = await Promise.all([project.json('migrate'), project.json('migrate')]);
    expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 2]);
  });
});

describe('integrity', () => {
  test.each([
    [
      'an edited migration',
      'PH3002',
      () =>
        project.write(
          `db/migrate/${Object.keys(project.files())
            .find((path) => path.includes('_b.sql'))
            ?.split('/')
            .at(-1)}`,
          'SELECT 2',
        ),
    ],
    [
      'a missing file',
      'PH3001',
      () => project.write('db/releases/1.0.0.yml', project.read('db/releases/1.0.0.yml').replaceAll('_b\n', '_gone\n')),
    ],
  ])('%s stops everything before anything runs', async (_title, code, spoil) => {
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
    await addMigration(project, '1.0.0', 'b', 'CREATE TABLE b ()');
    spoil();
    expect(await project.phase('migrate', '--json')).toMatchObject({ code: 5, json: { error: { code } } });
    expect([await tables(), await ledger()]).toEqual([[], null]);
  });

  test('an applied migration that was edited and hashed again is found by the ledger', async () => {
    const id = await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
    await project.json('migrate');
    project.write(`db/migrate/${id}.sql`, 'CREATE TABLE a (); -- harmless?');
    await project.json('hash');
    await addMigration(project, '1.0.0', 'b', 'CREATE TABLE b ()');
    expect(await project.phase('migrate', '--json')).toMatchObject({ code: 5, json: { error: { code: 'PH3003' } } });
    expect(await tables()).toEqual(['a']);
  });

  test('an older image on a newer database is fine; one that misses a release it should know is not', async () => {
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
    const older = project.files();
    await cut('1.0.0');
    await addMigration(project, '1.1.0', 'b', 'CREATE TABLE b ()');
    await project.json('migrate');
    const image = new TestProject(database.url, { ...older, 'phase.config.json': '{ "release": "1.0.0" }' });
    expect((await image.json('migrate')).applied).toEqual([]);
    await database.sql(`UPDATE phase.migrations SET release = '0.9.0' WHERE release = '1.1.0'`);
    expect(await image.phase('migrate', '--json')).toMatchObject({ code: 5, json: { error: { code: 'PH3004' } } });
    image.remove();
  });

  test('a ledger of a newer tool is not touched', async () => {
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
    await project.json('migrate');
    await database.sql('UPDATE phase.ledger SET format = 99');
    expect(await project.phase('migrate', '--json')).toMatchObject({ code: 5, json: { error: { code: 'PH3013' } } });
  });

  test('every table and column of the ledger has a comment', async () => {
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
    await project.json('migrate');
    const bare =
      await database.sql(`SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = 'phase'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
        AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)`);
    expect(bare).toEqual([]);
  });
});

describe('who is alive', () => {
  /** Nothing before 1.0.0; 1.2.0 brings a step that breaks what is below 1.1.0. */
  async function releases(): Promise<string> {
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
    await cut('1.0.0');
    await addMigration(project, '1.1.0', 'b', 'CREATE TABLE b ()');
    await cut('1.1.0');
    return addMigration(project, '1.2.0', 'breaking', 'DROP TABLE a', { breaks: '<1.1.0' });
  }

  test('a step that breaks a confirmed release is held, finish runs it', async () => {
    const breaking = await releases();
    await project.json('migrate', '--release', '1.0.0');
    await project.json('finish');
    const { applied, held } = await project.json('migrate', '--release', '1.2.0');
    expect({ applied: applied.length, held }).toEqual({ applied: 1, held: [breaking] });
    expect(await project.json('status')).toMatchObject({
      held: [breaking],
      pending: [],
      release: '1.2.0',
      confirmed: '1.0.0',
    });
    expect((await project.phase('status', '--exit-code')).code).toBe(3);
    expect((await project.json('finish')).applied).toEqual([breaking]);
    expect((await project.phase('status', '--exit-code')).code).toBe(0);
  });

  test('an empty database is served by nothing: a fresh install runs everything', async () => {
    await releases();
    expect((await project.json('migrate', '--release', '1.2.0')).applied).toHaveLength(3);
  });

  test('a database with tables of before may be served by something older; a failed first run does not change that', async () => {
    await database.sql('CREATE TABLE legacy (n int); CREATE TABLE lockme (n int)');
    const breaking = await releases();
    project.write('phase.config.json', '{ "lockAttempts": 1 }');
    const bad = await addMigration(project, '1.2.0', 'bad', 'SELECT 1/0');
    project.write(
      'db/releases/1.2.0.yml',
      project.read('db/releases/1.2.0.yml').replace(`- id: ${bad}\n`, `- id: ${bad}\n    breaks: "<0.0.1-0"\n`),
    );
    const { held } = (await project.phase('migrate', '--release', '1.1.0', '--json')).json;
    expect(held).toEqual([]);
    await database.sql('DROP TABLE legacy, lockme');
    expect((await project.phase('plan', '--to', '1.2.0', '--json')).json.held).toContain(breaking);
  });

  test('--running says who is alive without a finish', async () => {
    const breaking = await releases();
    await database.sql('CREATE TABLE legacy (n int)');
    await project.json('migrate', '--release', '1.1.0');
    expect((await project.json('migrate', '--release', '1.2.0', '--running', '1.1.0')).applied).toEqual([breaking]);
  });

  test('nothing passes a held step: the jump is refused with the stops, maintenance runs it', async () => {
    const breaking = await releases();
    await cut('1.2.0');
    const later = await addMigration(project, '1.3.0', 'later', 'CREATE TABLE c ()');
    await project.json('migrate', '--release', '1.0.0');
    await project.json('finish');
    for (const command of [
      ['migrate', '--release', '1.3.0'],
      ['plan', '--to', '1.3.0'],
      ['plan', '--from', '1.0.0', '--to', '1.3.0'],
    ]) {
      const refused = await project.phase(...command, '--json');
      expect(refused).toMatchObject({
        code: 4,
        json: { error: { code: 'PH2004', details: { step: later, held: breaking, stops: ['1.2.0'] } } },
      });
    }
    expect(await tables()).toEqual(['a']);
    expect((await project.json('migrate', '--release', '1.3.0', '--maintenance')).applied).toHaveLength(3);
  });

  test('--slow-roll takes one release at a time and exits 3 while more remain', async () => {
    await releases();
    await database.sql('CREATE TABLE legacy (n int)');
    const codes = [];
    for (let round = 0; round < 3; round++) {
      codes.push((await project.phase('migrate', '--release', '1.2.0', '--slow-roll')).code);
      await project.json('finish');
    }
    expect(codes).toEqual([3, 3, 0]);
  });

  test('wait is ready once everything is applied or held, and refuses a release that was broken', async () => {
    await releases();
    const wait = (release: string) => project.phase('wait', '--release', release, '--timeout', '0', '--json');
    expect(await wait('1.0.0')).toMatchObject({
      code: 3,
      json: { ready: false, missing: [expect.stringContaining('_a')] },
    });
    expect(await database.sql(`SELECT to_regnamespace('phase') AS ledger`)).toEqual([{ ledger: null }]);
    await project.json('migrate', '--release', '1.0.0');
    await project.json('finish');
    await project.json('migrate', '--release', '1.2.0');
    expect((await wait('1.0.0')).code).toBe(0);
    expect((await wait('1.2.0')).code).toBe(0);
    await project.json('finish');
    expect(await wait('1.0.0')).toMatchObject({ code: 4, json: { error: { code: 'PH2009' } } });
    expect((await wait('1.1.0')).code).toBe(0);
  });

  test('wait ends when what it waits for fails meanwhile and is not tried again, and not for what failed before', async () => {
    const id = await addMigration(project, '1.0.0', 'a', 'SELECT nothing');
    const wait = async (timeoutMs: number, retryMs: number) => {
      const opened = await openProject(project.root, { load: loadModule });
      const asked = { project: opened, release: '1.0.0', timeoutMs, retryMs, onWait: () => undefined };
      return waitFor({ ...asked, database: plainDatabase(database.url) });
    };
    const waiting = wait(30_000, 0);
    const ended = expect(waiting).rejects.toMatchObject({
      code: 'PH5029',
      exitCode: 1,
      details: { id, cause: 'PH5005' },
      why: expect.stringContaining('nothing'),
    });
    await new Promise((done) => setTimeout(done, 500));
    expect((await project.phase('migrate')).code).toBe(1);
    await ended;
    expect(await wait(1_000, 0)).toMatchObject({ ready: false, missing: [id] });
    // One that may be tried again is waited for.
    const patient = wait(2_000, 60_000);
    expect((await project.phase('migrate')).code).toBe(1);
    expect(await patient).toMatchObject({ ready: false });
  });

  test('wait survives a database that is not there, and says so', async () => {
    await releases();
    project.url = 'postgres://nobody@127.0.0.1:1/none';
    expect(await project.phase('wait', '--release', '1.0.0', '--timeout', '1', '--json')).toMatchObject({
      code: 3,
      json: { ready: false },
    });
  });
});

describe('going back', () => {
  test('where nothing has ever run there is nothing to undo', async () => {
    expect(await project.json('rollback')).toMatchObject({ reverted: [], failed: null });
    expect(await ledger()).toBeNull();
  });

  test('rollback undoes the last migrations, the last first', async () => {
    const first = await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ();\n-- phase:down\nDROP TABLE a;');
    const second = await addMigration(project, '1.0.0', 'b', 'CREATE TABLE b ();\n-- phase:down\nDROP TABLE b;');
    const third = await addMigration(project, '1.0.0', 'c', 'CREATE TABLE c ();\n-- phase:down\nDROP TABLE c;');
    await project.json('migrate');
    expect((await project.json('rollback')).reverted).toEqual([third]);
    expect((await project.json('rollback', '--to', first)).reverted).toEqual([second]);
    expect(await tables()).toEqual(['a']);
    expect((await project.json('migrate')).applied).toEqual([second, third]);
  });

  test('one without a way back is refused before anything is undone', async () => {
    await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
    await addMigration(project, '1.0.0', 'b', 'CREATE TABLE b ();\n-- phase:down\nDROP TABLE b;');
    await project.json('migrate');
    expect(await project.phase('rollback', '--steps', '2', '--json')).toMatchObject({
      code: 4,
      json: { error: { code: 'PH2012' } },
    });
    expect(await tables()).toEqual(['a', 'b']);
  });
});

test('there is nothing to finish before the first migrate', async () => {
  await addMigration(project, '1.0.0', 'a', 'CREATE TABLE a ()');
  expect(await project.phase('finish', '--json')).toMatchObject({ code: 2, json: { error: { code: 'PH1021' } } });
  expect(await ledger()).toBeNull();
});

test('--dry-run prints a script that psql accepts, runs nothing, and leaves the same schema behind', async () => {
  await addMigration(project, '1.0.0', 'a', "CREATE TABLE a (n int DEFAULT 1, t text CHECK (t ~ '\\\\?'))");
  await addMigration(
    project,
    '1.0.0',
    'b',
    `exports.up = async (knex) => { await knex('a').insert({ n: 7, t: "it's ?" }); };`,
    { folder: 'data', extension: 'js' },
  );
  const { stdout, code } = await project.phase('migrate', '--dry-run');
  expect(code).toBe(0);
  expect(await tables()).toEqual([]);
  await database.sql(stdout.replace(/^\\.*$/gm, ''));
  expect(await database.sql('SELECT n, t FROM a')).toEqual([{ n: 7, t: "it's ?" }]);
  expect((await project.json('migrate')).applied).toEqual([]);
});
