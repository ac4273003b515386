import type { Knex } from 'knex';
import { Work, type WorkContext, type WorkOptions } from '../../src/data/work.ts';
import type { RunProgress } from '../../src/domain/run-progress.ts';
import { DEFAULT_SETTINGS, type RunSettings } from '../../src/domain/run-settings.ts';
import { ensureLedger } from '../../src/ledger/format.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { newConnection, type TestDatabase } from './database.ts';
import { makeKnex } from './knex.ts';

/** Work on data as a migration does it, without a runner around it. */
export interface TestWork {
  readonly context: WorkContext;
  readonly work: Work;
  readonly notices: string[];
  close(): Promise<void>;
}

export interface TestWorkOptions extends Partial<WorkOptions> {
  readonly settingsOf?: Partial<RunSettings>;
  onProgress?(progress: RunProgress): void;
}

/**
 * The run that all work of tests belongs to. Whether a run is alive is told from its connections anywhere in the server,
 * which the workers of Jest share: each has a run of its own.
 */
export const TEST_RUN = `testrun${process.env.JEST_WORKER_ID ?? 0}`;

/** Opens the work of a migration called `m` on a database. */
export async function openWork(
  { url, client }: Pick<TestDatabase, 'url' | 'client'>,
  { settingsOf = {}, ...more }: TestWorkOptions = {},
): Promise<TestWork> {
  await ensureLedger(client);
  const notices: string[] = [];
  const db = await connect(url);
  const knex: Knex = makeKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } });
  const work = new Work({
    kind: 'migration',
    name: 'm',
    owner: 'm',
    run: TEST_RUN,
    ticket: null,
    direction: 'up',
    toolVersion: 'test',
    root: '/nonexistent',
    settings: { store: 'database', gzip: false, smallChange: 10_000 },
    runSettings: { ...DEFAULT_SETTINGS, batchDuration: 5, ...settingsOf },
    patience: { lockTimeoutMs: 200, attempts: 5 },
    knex,
    db,
    connect: () => connect(url),
    onProgress: () => undefined,
    onNotice: (message) => notices.push(message),
    onLog: () => undefined,
    ...more,
  });
  return {
    context: work.context,
    work,
    notices,
    async close() {
      await knex.destroy();
      await db.end().catch(() => undefined);
    },
  };
}

async function connect(url: string): Promise<Connection> {
  const client = newConnection({ connectionString: url, application_name: `phase-run ${TEST_RUN} test` });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
