import knexPackage, { type Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Release } from '../domain/release.ts';
import { openDatabase } from './database.ts';
import { type SchemaState, statesOf } from './states.ts';

/** `knex` is CommonJS; under ES modules its function is the default export, typed as a namespace. */
const makeKnex = knexPackage as unknown as typeof knexPackage.default;

/** The functions of Jest that are used; others that have them do as well. */
interface Runner {
  describe(name: string, define: () => void): void;
  beforeAll(body: () => Promise<void>, timeoutMs: number): void;
  afterAll(body: () => Promise<void>, timeoutMs: number): void;
}

export interface MigrationSuite {
  /** For hooks and tests: a knex on the suite's own database. */
  readonly knex: Knex;
  /** The same database for anything else that connects. */
  url(): Promise<string>;
  /** Whether it is the schema before what the release adds, or after. */
  readonly state: SchemaState['name'];
}

export interface SuiteOptions {
  /** The project's folder, or one below it; else the current folder. */
  readonly root?: string;
  /** The current release; else the configuration's, else the version in package.json. */
  readonly release?: Release;
  /** A SQL file with the schema before the current release, relative to the root; else the released manifests are run. */
  readonly dump?: string;
}

/** The first suite may have to start a server and run many migrations. */
const TIMEOUT_MS = 300_000;

/**
 * Describes a suite that runs on the schema before and after what the current release adds, each on a clone of its own on
 * an embedded server; once where the release adds nothing. Manifests of later releases do not count.
 * @throws PH1005 when no release is known, PH3005 and PH3006 for manifests that cannot be used, PH5023 outside of Jest.
 */
export function describeWithMigrations(
  name: string,
  define: (suite: MigrationSuite) => void,
  { root = process.cwd(), release, dump }: SuiteOptions = {},
): void {
  const runner = globalThis as unknown as Runner;
  if (typeof runner.describe !== 'function') {
    const problems = ['there is no global describe: Jest has it unless injectGlobals is false'];
    throw new PhaseError('PH5023', { call: 'describeWithMigrations', problems });
  }
  const found = statesOf(root, release);
  for (const state of found.states) {
    const title = found.states.length === 1 ? '' : ` ${state.name} the migrations of ${found.release}`;
    runner.describe(`${name}${title}`, () => {
      let database: ReturnType<typeof openDatabase> | null = null;
      const url = async (): Promise<string> => {
        database ??= openDatabase({ root: found.root, state, dump });
        return database.url;
      };
      // It connects with the first query, so that it can be handed out before there is a database.
      const connection = async (): Promise<Knex.PgConnectionConfig> => ({ connectionString: await url() });
      const knex = makeKnex({ client: 'pg', connection, pool: { min: 0, max: 4 } });
      runner.beforeAll(async () => void (await url()), TIMEOUT_MS);
      runner.afterAll(async () => {
        await knex.destroy();
        await database?.close();
      }, TIMEOUT_MS);
      define({ knex, url, state: state.name });
    });
  }
}
