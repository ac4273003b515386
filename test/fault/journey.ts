import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createDatabase, dropDatabase, type TestDatabase } from '../support/database.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';

export const RELEASES = [R1, R2, R3] as const;

const ROWS = 300;
const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, old text NOT NULL UNIQUE CHECK (old <> ''), other int NOT NULL);
  CREATE INDEX users_other ON users (other, old); CREATE VIEW people AS SELECT id, upper(old) AS name FROM users;
  INSERT INTO users SELECT n, 'v' || n, 0 FROM generate_series(1, ${ROWS}) AS n;
  CREATE TABLE pays (id int PRIMARY KEY, pay int NOT NULL, copy int, times int NOT NULL DEFAULT 0);
  INSERT INTO pays (id, pay) SELECT n, n FROM generate_series(1, ${ROWS}) AS n`;

const LOOK = `'SELECT id, pay FROM pays WHERE id <= 20 ORDER BY id'`;
const change = (name: string, set: string): string =>
  `await dataChange('${name}', { key: ['id'], pre: ${LOOK}, change: 'UPDATE pays SET ${set} WHERE id <= 20 RETURNING id, pay', post: ${LOOK} });`;

/** Data migrations beside the rename, in every form: whole, outside of a transaction, in batches, as a backfill. */
const DATA: Readonly<Record<(typeof RELEASES)[number], Readonly<Record<string, string>>>> = {
  [R1]: {
    raise: `export async function up(_knex, { dataChange }) { ${change('raise', 'pay = pay + 1')} }`,
    fill: `export const config = { transaction: false, safeToRepeat: true };
      export async function up(_knex, { backfill }) { await backfill({ table: 'pays', set: { copy: 'pay' }, where: 'copy IS DISTINCT FROM pay' }); }`,
  },
  [R2]: {
    round: `export const config = { transaction: false, safeToRepeat: true };
      export async function up(_knex, { dataChange }) { ${change('round', 'pay = pay / 10 * 10')} }`,
    count: `export const config = { transaction: false, safeToRepeat: true };
      export async function up(_knex, { inBatches }) {
        await inBatches({ table: 'pays', batchDuration: 5 }, async (rows, trx) => { await trx('pays').whereIn('id', rows.map(({ id }) => id)).increment('times', 1); });
      }`,
  },
  [R3]: { lower: `export async function up(_knex, { dataChange }) { ${change('lower', 'pay = pay - 1')} }` },
};

/** Everything that a run leaves behind and that does not depend on when and how often it ran. */
export interface State {
  readonly schema: readonly string[];
  readonly rows: readonly string[];
  readonly ledger: readonly string[];
}

/** A rename through its three releases with data migrations beside it, and the states between them. */
export interface Journey {
  readonly project: TestProject;
  /** The URL of a new database as it is before a release. */
  before(release: string): Promise<string>;
  /** What an undisturbed run of a release gives. */
  after(release: string): State;
  remove(): Promise<void>;
}

/** @param server its URL. */
export async function makeJourney(server: string): Promise<Journey> {
  const templates = new Map<string, TestDatabase>();
  const states = new Map<string, State>();
  const first = await createDatabase(server);
  await first.sql(SCHEMA);
  const project = new TestProject(first.url);
  await scaffold(project);
  const nameOf = (database: TestDatabase): string => new URL(database.url).pathname.slice(1);
  let current = first;
  for (const release of RELEASES) {
    await current.client.end();
    templates.set(release, current);
    current = await createDatabase(server, nameOf(current));
    project.url = current.url;
    for (const command of commandsOf(release)) await project.json(...command);
    states.set(release, await stateOf(current.url, project));
  }
  return {
    project,
    async before(release) {
      const { url, client } = await createDatabase(server, nameOf(templates.get(release) as TestDatabase));
      await client.end();
      return url;
    },
    after: (release) => states.get(release) as State,
    async remove() {
      await current.drop();
      for (const template of templates.values()) await template.drop();
      project.remove();
    },
  };
}

async function scaffold(project: TestProject): Promise<void> {
  await project.json('init');
  const releases = RELEASES.join(',');
  await project.json(
    'new',
    'rename-column',
    ...['--table', 'users', '--from', 'old', '--to', 'new'],
    '--releases',
    releases,
    '--yes',
  );
  for (const release of RELEASES) {
    for (const [name, text] of Object.entries(DATA[release])) {
      await project.json('new', 'data', name, '--release', release);
      const path = Object.keys(project.files()).find((file) => file.endsWith(`_${name}.ts`)) ?? '';
      project.write(path, text);
    }
  }
  await project.json('hash', '--no-replay');
  for (const release of RELEASES) await project.json('release', 'cut', release);
}

/** What deploys a release, in order. */
export function commandsOf(release: string): readonly (readonly string[])[] {
  return [
    ['migrate', '--release', release, '--straggler-window', '0'],
    ['finish', '--straggler-window', '0'],
  ];
}

/** Left out is what says when and how often: times, runs, the order in which a change gives its rows, what of a migration that ran again outside of a transaction was tried before. */
const LEDGER = `
  SELECT concat_ws(' | ', 'migration', id, state, release, manifest_sum) AS line FROM phase.migrations
  UNION ALL SELECT concat_ws(' | ', 'release', release, migrated_at IS NOT NULL, confirmed_at IS NOT NULL) FROM phase.releases
  UNION ALL SELECT concat_ws(' | ', 'audit', owner, name, kind, rows, CASE WHEN NOT is_summary AND kind <> 'change' THEN sha256 END) FROM phase.audits WHERE owner NOT LIKE '%_round'
  UNION ALL SELECT concat_ws(' | ', 'backfill', owner, part, table_name, rows, done) FROM phase.backfills
  UNION ALL SELECT concat_ws(' | ', 'attempt', migration, direction, coalesce(outcome, 'unknown')) FROM phase.attempts
    WHERE number IN (SELECT max(number) FROM phase.attempts GROUP BY migration) OR outcome IS NULL
  ORDER BY 1`;

/** @throws when an audit is not as the ledger says, or a file is there that the ledger does not list. */
export async function stateOf(url: string, project: TestProject): Promise<State> {
  await project.json('audit', 'verify');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const sql: TestDatabase['sql'] = async (text, values) => (await client.query(text, values)).rows;
    const lines = async (text: string): Promise<string[]> =>
      (await sql<{ line: string }>(text)).map(({ line }) => line);
    await ensureNoOtherFiles(url, project, await lines('SELECT file AS line FROM phase.audits'));
    return {
      schema: await fingerprint({ sql }),
      rows: await lines('SELECT u::text AS line FROM users u UNION ALL SELECT p::text FROM pays p ORDER BY 1'),
      ledger: await lines(LEDGER),
    };
  } finally {
    await client.end();
  }
}

async function ensureNoOtherFiles(url: string, project: TestProject, listed: readonly string[]): Promise<void> {
  const entries = readdirSync(auditFolder(url, project), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  // Those of earlier releases are in the folder of the database that this one was made from.
  const known = new Set(listed.map((file) => join(project.root, file)));
  const others = files.filter((file) => !known.has(file));
  if (others.length > 0) throw new Error(`Files that the ledger does not list: ${others.join(', ')}`);
}

const auditFolder = (url: string, project: TestProject): string =>
  join(project.root, 'db', 'audits', new URL(url).pathname);

/** Takes a database of a journey and its audits away. */
export async function forget(url: string, project: TestProject): Promise<void> {
  rmSync(auditFolder(url, project), { recursive: true, force: true });
  await dropDatabase(url);
}

/** Waits as a writer does, and leaves every row as it is. */
const WRITE_NOTHING = 'LOCK TABLE users IN ROW EXCLUSIVE MODE; SELECT id FROM users WHERE id = 1 FOR UPDATE';

/** Reads and writes as an application does, and tells how long it had to wait at most, in milliseconds. */
export class WaitingClient {
  #longest = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(url: string) {
    this.#done = this.#run(url);
  }

  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#done;
    return this.#longest;
  }

  async #run(url: string): Promise<void> {
    while (!this.#stopped) {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      // A server that is starting refuses; a statement ends with its connection.
      await client
        .connect()
        .then(() => this.#write(client))
        .catch(() => sleep(20));
      await client.end().catch(() => undefined);
    }
  }

  async #write(client: pg.Client): Promise<void> {
    while (!this.#stopped) {
      const began = performance.now();
      try {
        await client.query(WRITE_NOTHING);
      } finally {
        this.#longest = Math.max(this.#longest, performance.now() - began);
      }
      await sleep(5);
    }
  }
}
