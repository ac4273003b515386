// One way to get a table's rows out, in a process of its own, so that its memory can be told. Prints JSON.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knex from 'knex';
import { to as copyTo } from 'pg-copy-streams';
import { Work } from '../../src/data/work.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/run-settings.ts';
import { newConnection } from '../support/database.ts';

const [, , way, url] = process.argv;
const connect = async () => {
  const client = newConnection({ connectionString: url });
  await client.connect();
  return client;
};
const db = await connect();
const root = await mkdtemp(join(tmpdir(), 'triphase-bench-'));
let rows = 0;
const began = performance.now();
if (way === 'copy') {
  const stream = db.query(copyTo('COPY (SELECT * FROM t) TO STDOUT (FORMAT csv, HEADER)'));
  stream.resume();
  await new Promise((done, fail) => stream.on('end', done).on('error', fail));
  rows = Number(stream.rowCount);
} else {
  const own = knex({ client: 'pg', connection: url });
  const work = new Work({
    kind: 'task',
    name: 'bench',
    owner: `bench#${Date.now()}`,
    run: 'bench',
    ticket: null,
    direction: 'run',
    toolVersion: 'bench',
    root,
    settings: { store: 'files', gzip: false, smallChange: 10_000 },
    runSettings: DEFAULT_SETTINGS,
    patience: { lockTimeoutMs: 500, attempts: 15 },
    knex: own,
    db,
    connect,
    onProgress: () => undefined,
    onNotice: () => undefined,
    onLog: () => undefined,
  });
  const pre = way === 'large' ? 'SELECT * FROM t' : { sql: 'SELECT * FROM t WHERE amount > $1', values: [0] };
  rows = (await work.context.dataChange('all', { key: 'id', pre })).pre ?? 0;
  await own.destroy();
}
const seconds = (performance.now() - began) / 1_000;
await db.end();
rmSync(root, { recursive: true });
const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1_000);
process.stdout.write(`${JSON.stringify({ rows, seconds, peakMegabytes })}\n`);
