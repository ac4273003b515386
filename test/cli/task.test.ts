import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url);
  await database.sql(
    `CREATE TABLE t (id int PRIMARY KEY, value text, copy text); INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 20000) AS n`,
  );
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

const write = (body: string, config = '{}') =>
  project.write(
    'lib/tasks/tmp/fill.ts',
    `export const config = ${config};
     export const params = { to: { type: 'string', required: true }, since: { type: 'date' }, n: { type: 'integer', default: 5 }, mode: { type: 'string', values: ['a', 'b'] } };
     export async function run(knex, { backfill, inBatches, dataChange, params, run, log }) { ${body} }`,
  );
const FILL = `await backfill({ table: 't', set: { copy: "'" + params.to + "'" }, where: "copy IS DISTINCT FROM '" + params.to + "'" });`;

test('new task writes one that can be run at once, and belongs to no release', async () => {
  expect(await project.json('new', 'task', 'fill_copies')).toEqual({ files: ['lib/tasks/tmp/fill_copies.ts'] });
  expect(await project.json('task', 'run', 'fill_copies')).toMatchObject({ run: 1, state: 'done', rows: 0 });
  expect((await project.phase('new', 'task', 'fill_copies')).code).toBe(2);
});

test('a run has its parameters, its own record, its own audits, and may be repeated', async () => {
  write(`${FILL} await dataChange('few', { key: 'id', pre: 'SELECT id, copy FROM t WHERE id <= ' + params.n });`);
  const first = await project.json('task', 'run', 'fill', '--param', 'to=x', '--workers', '2', '--batch-ms', '20');
  expect(first).toMatchObject({
    run: 1,
    name: 'fill',
    state: 'done',
    rows: 20_000,
    done: 1,
    eta: 0,
    waitingFor: null,
    params: { to: 'x', n: 5 },
    inForce: { workers: 2, batchDuration: 20 },
  });
  expect(await project.json('task', 'run', 'fill', '--param', 'to=y', '--param', 'n=2')).toMatchObject({
    run: 2,
    state: 'done',
    rows: 20_000,
  });
  const { runs, tasks } = await project.json('task', 'list');
  expect(runs.map(({ run, state }: { run: number; state: string }) => [run, state])).toEqual([
    [2, 'done'],
    [1, 'done'],
  ]);
  expect(tasks).toMatchObject([{ name: 'fill', path: 'lib/tasks/tmp/fill.ts' }]);
  const { audits } = await project.json('audit', 'list', '--migration', 'fill');
  expect(
    audits.map(({ owner, name, rows }: { owner: string; name: string; rows: number }) => [owner, name, rows]),
  ).toEqual([
    ['fill#1', 'backfill_run_1', 1],
    ['fill#1', 'few', 5],
    ['fill#2', 'backfill_run_1', 1],
    ['fill#2', 'few', 2],
  ]);
  expect((await project.phase('task', 'status', 'fill')).stdout).toContain('run    2 of task fill');
});

test.each([
  [['task', 'run', 'fil'], 'PH1022'],
  [['task', 'run', 'fill'], 'PH1023'],
  [['task', 'run', 'fill', '--param', 'to=x', '--param', 'too=y'], 'PH1023'],
  [['task', 'run', 'fill', '--param', 'to=x', '--param', 'since=2026-02-30'], 'PH1023'],
  [['task', 'run', 'fill', '--param', 'to=x', '--param', 'n=1.5'], 'PH1023'],
  [['task', 'run', 'fill', '--param', 'to=x', '--param', 'mode=c'], 'PH1023'],
  [['task', 'run', 'fill', '--param', 'to'], 'PH1023'],
  [['task', 'run', 'fill', '--param', 'to=x', '--workers', '0'], 'PH1015'],
  [['task', 'status', 'fill'], 'PH1025'],
  [['task', 'pause', 'fill'], 'PH1025'],
  [['task', 'set', 'fill'], 'PH1004'],
])('%j is refused before anything runs', async (args, code) => {
  write(FILL);
  const ran = await project.phase(...args, '--json');
  expect({ exit: ran.code, code: ran.json.error.code }).toEqual({ exit: 2, code });
});

test('a task that fails says why, keeps what has committed, and goes on from its checkpoint', async () => {
  write(`${FILL} if (!(await knex('t').where('id', 0).first())) throw new Error('row 0 is missing');`);
  const ran = await project.phase('task', 'run', 'fill', '--param', 'to=x', '--json');
  expect({ exit: ran.code, ...ran.json }).toMatchObject({
    exit: 1,
    state: 'failed',
    rows: 20_000,
    error: { code: 'PH5020' },
  });
  expect((await project.phase('task', 'pause', 'fill', '--json')).json.error.code).toBe('PH1024');
  await database.sql('INSERT INTO t VALUES (0)');
  expect(await project.json('task', 'resume', 'fill')).toMatchObject({ run: 1, state: 'done', params: { to: 'x' } });
  expect((await project.phase('task', 'resume', 'fill', '--json')).json.error.code).toBe('PH1024');
  const [{ rows }] = await database.sql('SELECT rows::int FROM phase.backfills');
  expect(rows).toBe(20_001);
});

test('one run of a task at a time, unless it says otherwise; paused, changed, resumed, cancelled from outside', async () => {
  write(FILL);
  const running = project.phase('task', 'run', 'fill', '--param', 'to=x', '--batch-ms', '1', '--nice', '20', '--json');
  const status = () => project.phase('task', 'status', 'fill', '--json').then(({ json }) => json);
  const until = async (state: string) => {
    for (let tries = 0; tries < 200; tries++) if ((await status()).state === state) return;
    throw new Error(`It is not ${state}.`);
  };
  await until('running');
  const second = await project.phase('task', 'run', 'fill', '--param', 'to=y', '--json');
  expect({ exit: second.code, code: second.json.error.code }).toEqual({ exit: 6, code: 'PH4003' });
  expect(await project.json('task', 'pause', 'fill')).toMatchObject({ request: 'pause' });
  await until('paused');
  expect(await status()).toMatchObject({ waitingFor: 'paused' });
  expect(await project.json('task', 'set', 'fill', '--max-lag', '30s')).toMatchObject({ settings: { maxLag: 30_000 } });
  expect(await project.json('task', 'resume', 'fill', '--workers', '2')).toMatchObject({
    request: null,
    settings: { workers: 2 },
  });
  await until('running');
  await project.json('task', 'cancel', 'fill');
  const { code, json } = await running;
  expect({ code, state: json.state, error: json.error.code }).toEqual({ code: 1, state: 'cancelled', error: 'PH5014' });
  expect(await project.json('task', 'resume', 'fill', '--nice', '0')).toMatchObject({ run: 1, state: 'done' });
  write('await new Promise((done) => setTimeout(done, 300));', '{ concurrent: true }');
  const both = await Promise.all([
    project.json('task', 'run', 'fill', '--param', 'to=x'),
    project.json('task', 'run', 'fill', '--param', 'to=x'),
  ]);
  expect(both.map(({ state }) => state)).toEqual(['done', 'done']);
});

test('a backfill of a migration can be steered like a task', async () => {
  await project.json('new', 'data', 'copy', '--release', '1.0.0');
  const path = Object.keys(project.files()).find((file) => file.endsWith('_copy.ts')) ?? '';
  project.write(
    path,
    `export const config = { transaction: false, safeToRepeat: true };
     export const up = (_knex, { backfill }) => backfill({ table: 't', set: { copy: 'value' }, where: 'value IS DISTINCT FROM copy', niceRatio: 20, batchDuration: 1 });`,
  );
  await project.json('hash');
  const id = path.replace(/.*\/|\.ts$/g, '');
  const running = project.phase('migrate', '--release', '1.0.0', '--json');
  for (let tries = 0; ; tries++) {
    const { code, json } = await project.phase('task', 'status', id, '--json');
    if (code === 0 && json.rows > 0) break;
    if (tries > 200) throw new Error('It does not begin.');
  }
  await project.json('task', 'cancel', id);
  expect((await running).json).toMatchObject({ failed: { id, code: 'PH5014' } });
  expect((await project.phase('task', 'resume', id, '--json')).json.error.code).toBe('PH1024');
  const retry = project.phase('migrate', '--release', '1.0.0', '--json');
  for (let tries = 0; tries < 100; tries++)
    if ((await project.phase('task', 'set', id, '--nice', '0', '--json')).code === 0) break;
  expect((await retry).json).toMatchObject({ applied: [id] });
});

test('rows are handed to code in batches, each once, and what it writes commits with its checkpoint', async () => {
  write(`
    const seen = [];
    let tries = 0;
    await inBatches({ table: 't', columns: ['value'], where: 'id % 2 = 0' }, async (rows, trx) => {
      await trx.raw('UPDATE t SET copy = upper(value) WHERE id = ANY (?)', [rows.map((row) => row.id)]);
      if (tries++ === 3) await trx.raw('SELECT pg_catalog.set_config(\\'x.y\\', \\'1\\', true), 1 / (SELECT 0)').catch((error) => { throw Object.assign(error, { code: '40P01' }); });
      seen.push(...rows.map((row) => row.id));
    });
    log(JSON.stringify({ seen: seen.length, distinct: new Set(seen).size, first: seen[0] }));`);
  const ran = await project.phase('task', 'run', 'fill', '--param', 'to=x');
  expect(ran.stderr).toContain('{"seen":10000,"distinct":10000,"first":2}');
  const [{ right, wrong }] = await database.sql(
    `SELECT count(*) FILTER (WHERE copy = 'V' || id)::int AS right, count(*) FILTER (WHERE id % 2 = 1 AND copy IS NOT NULL)::int AS wrong FROM t`,
  );
  expect({ right, wrong }).toEqual({ right: 10_000, wrong: 0 });
});

test('in batches needs a key', async () => {
  await database.sql('ALTER TABLE t DROP CONSTRAINT t_pkey');
  write(`await inBatches({ table: 't' }, async () => {});`);
  const ran = await project.phase('task', 'run', 'fill', '--param', 'to=x', '--json');
  expect(ran.json).toMatchObject({ state: 'failed', error: { code: 'PH2017' } });
});

test.each([
  ['constructor=1', 'constructor is not a parameter'],
  ['__proto__=1', '__proto__ is not a parameter'],
])('the parameter %s is no name of the object itself', async (param, problem) => {
  write(FILL);
  const ran = await project.phase('task', 'run', 'fill', '--param', 'to=x', '--param', param, '--json');
  expect(ran.json.error).toMatchObject({ code: 'PH1023', message: expect.stringContaining(problem) });
});

test.each([
  [`{ to: { type: 'string', values: 5 } }`, 'params.to: values'],
  [`{ to: { type: 'date', default: '2026-02-30' } }`, 'params.to: default: "2026-02-30" is no date'],
  [`{ to: { type: 'string', default: 5 } }`, 'params.to: default: 5 is no string'],
  [`{ to: { type: 'string', required: true, default: 'a' } }`, 'params.to: required'],
  [`{ to: { type: 'string', requierd: true } }`, 'requierd is not a key'],
])('parameters described as %s are refused, and the list of tasks shows the others', async (params, problem) => {
  write(FILL);
  project.write('lib/tasks/tmp/wrong.mjs', `export const params = ${params}; export async function run() {}`);
  const ran = await project.phase('task', 'run', 'wrong', '--json');
  expect(`${ran.json.error.message} ${ran.json.error.why}`).toContain(problem);
  const list = await project.phase('task', 'list', '--json');
  expect(list.json.tasks.map(({ name }: { name: string }) => name)).toEqual(['fill']);
  expect(list.stderr).toContain('PH3014');
});

test('a task ends with all that it began, or is not done', async () => {
  write(`backfill({ table: 't', set: { value: "'x'" }, where: "value IS DISTINCT FROM 'x' -- all" });`);
  const ran = await project.phase('task', 'run', 'fill', '--param', 'to=x', '--json');
  expect(ran.json).toMatchObject({ state: 'failed', error: { code: 'PH5022' } });
});

test('a role without rights on the ledger is told which it lacks', async () => {
  write(FILL);
  const role = await database.role();
  await database.sql(`GRANT ALL ON t TO ${role.name}`);
  project.url = role.url;
  const ran = await project.phase('task', 'run', 'fill', '--param', 'to=x', '--json');
  expect({ exit: ran.code, code: ran.json.error.code }).toEqual({ exit: 1, code: 'PH5008' });
});
