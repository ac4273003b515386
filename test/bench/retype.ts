import pg from 'pg';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import type { TestDatabase } from '../support/database.ts';
import { R1, R2, renameFixture } from '../support/rename-fixture.ts';
import { median } from './measure.ts';
import { load, lossesOf, rowsPerSecond, say, scaffolded, two } from './scaffolded.ts';
import { ROWS_A_STATEMENT, type Write } from './write-rate.ts';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 3;

/**
 * What a change of type costs beside a rename, in one run: rows a second of the backfill; the loss of writers; and how long a client waits at the switch of a key
 * that two tables reference. The server has its own settings.
 */
async function main(): Promise<void> {
  const options = { version: NEWEST_EMBEDDED, project: repository, name: `bench-${process.pid}` };
  const server = await startEmbedded(options);
  try {
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const renamed = await backfillOfRename(server);
      const retyped = await backfillOfRetype(server);
      ratios.push(retyped / renamed);
      say({ round, renamed: Math.round(renamed), retyped: Math.round(retyped), ratio: two(retyped / renamed) });
    }
    say({ backfill: { rows: ROWS, rowsPerSecondByRename: two(median(ratios)) } });
    for (const rows of [ROWS / 10, ROWS]) say({ switch: { rows, ...(await switchOfKey(server, rows)) } });
    say({ writes: await writes(server) });
  } finally {
    await removeEmbedded(options);
  }
}

const TABLE = `CREATE TABLE users (id bigint PRIMARY KEY, old integer NOT NULL, title text);
  INSERT INTO users SELECT n, n, 'the title of row ' || n FROM generate_series(1, ${ROWS}) AS n; VACUUM (FREEZE, ANALYZE) users`;

async function backfillOfRename(server: string): Promise<number> {
  const fixture = await renameFixture({
    server,
    schema: 'CREATE TABLE users (id bigint PRIMARY KEY, old integer NOT NULL, title text)',
  });
  try {
    await load(fixture.database, TABLE.slice(TABLE.indexOf(';') + 1));
    await fixture.deploy(R1);
    return await rowsPerSecond(fixture.project, ROWS);
  } finally {
    await fixture.remove();
  }
}

function backfillOfRetype(server: string): Promise<number> {
  const flags = ['--table', 'users', '--column', 'old', '--to-type', 'bigint'];
  return scaffolded(server, { command: 'retype-column', script: TABLE, flags }, async ({ project }) => {
    await project.json('migrate', '--release', R1, '--maintenance');
    return rowsPerSecond(project, ROWS);
  });
}

/** A key with two tables that reference it, and a client on each that writes all the time while the second phase runs. */
function switchOfKey(server: string, rows: number): Promise<object> {
  const script = `CREATE TABLE users (id serial PRIMARY KEY, name text); CREATE TABLE posts (id bigint PRIMARY KEY, author integer NOT NULL REFERENCES users (id), title text);
    CREATE INDEX posts_author ON posts (author); CREATE TABLE visits (id bigint PRIMARY KEY, visitor integer REFERENCES users (id) ON DELETE CASCADE); CREATE INDEX visits_visitor ON visits (visitor);
    INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, ${rows}) AS n; INSERT INTO posts SELECT n, n, 't' FROM generate_series(1, ${rows}) AS n;
    INSERT INTO visits SELECT n, n FROM generate_series(1, ${rows}) AS n; VACUUM ANALYZE users; VACUUM ANALYZE posts; VACUUM ANALYZE visits`;
  const flags = ['--table', 'users', '--column', 'id', '--to-type', 'bigint', '--with-references'];
  return scaffolded(server, { command: 'retype-column', script, flags }, async ({ database, project }) => {
    await project.json('migrate', '--release', R1, '--maintenance');
    const clients = [
      "UPDATE users SET name = 'x' WHERE id = $1",
      "UPDATE posts SET title = 'x' WHERE author = $1",
      'UPDATE visits SET visitor = visitor WHERE visitor = $1',
    ].map((sql) => new Client(database.url, sql));
    const loops = clients.map((client) => client.run());
    await project.json('migrate', '--release', R2, '--maintenance');
    for (const client of clients) client.stop();
    await Promise.all(loops);
    const { applied } = await project.json('status');
    const { durationMs } = applied.find(({ id }: { id: string }) => id.endsWith('_switch'));
    return {
      switchMs: durationMs,
      longestWaitMs: Math.round(Math.max(...clients.map(({ longest }) => longest))),
      writes: clients.reduce((sum, { count }) => sum + count, 0),
      errors: clients.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}

class Client {
  longest = 0;
  count = 0;
  errors = 0;
  #isRunning = true;
  readonly #url: string;
  readonly #sql: string;

  constructor(url: string, sql: string) {
    this.#url = url;
    this.#sql = sql;
  }

  stop(): void {
    this.#isRunning = false;
  }

  async run(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url });
    await client.connect();
    while (this.#isRunning) {
      const began = performance.now();
      await client.query(this.#sql, [1 + Math.floor(Math.random() * 1_000)]).catch(() => this.errors++);
      this.longest = Math.max(this.longest, performance.now() - began);
      this.count++;
    }
    await client.end();
  }
}

const WRITES: readonly Write[] = [1, ROWS_A_STATEMENT].flatMap((size) => [
  { name: `another column, ${size} a statement`, set: "title = title || 'x'", size },
  { name: `the column, ${size} a statement`, set: 'old = $2::integer', size },
]);

/** What share of the rate without any sync is lost, of another column and of the column itself, beside a rename. The syncs take turns in short slices. */
async function writes(server: string): Promise<object> {
  const rows = ROWS / 5;
  const script = `CREATE TABLE users (id bigint PRIMARY KEY, old integer NOT NULL, title text); INSERT INTO users SELECT n, n, 't' FROM generate_series(1, ${rows}) AS n; VACUUM ANALYZE users`;
  const flags = ['--table', 'users', '--column', 'old', '--to-type', 'bigint'];
  const retypedUpTo = (releases: readonly string[], body: (database: TestDatabase) => Promise<object>) =>
    scaffolded(server, { command: 'retype-column', script, flags }, async ({ database, project }) => {
      for (const release of releases) await project.json('migrate', '--release', release, '--maintenance');
      return body(database);
    });
  const renamed = await renameFixture({ server, schema: script.slice(0, script.indexOf(';')) });
  await load(renamed.database, script.slice(script.indexOf(';') + 1));
  await renamed.deploy(R1);
  try {
    return await retypedUpTo([], (none) =>
      retypedUpTo([R1], (first) =>
        retypedUpTo([R1, R2], (second) =>
          lossesOf({ rows: ROWS / 5, writes: WRITES }, [
            { name: 'none', database: none },
            { name: 'rename, phase 1', database: renamed.database },
            { name: 'retype, phase 1', database: first },
            { name: 'retype, phase 2', database: second },
          ]),
        ),
      ),
    );
  } finally {
    await renamed.remove();
  }
}

await main();
