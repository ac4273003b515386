import knexPackage, { type Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { databaseServed, type ServedDatabase, statesServed } from './served.ts';

/** `knex` is CommonJS; under ES modules its function is the default export, typed as a namespace. */
const makeKnex = knexPackage as unknown as typeof knexPackage.default;

/** Which schema: before what the release adds, or after. */
export type StateName = 'before' | 'after';

/** Which project, and which state of it. */
export interface StateOptions {
  /** The project's folder, or one below it; else the current folder. */
  readonly root?: string;
  /** The current release; else the configuration's, else the version in package.json. */
  readonly release?: string;
  /** A SQL file with the schema before the current release, with rows or without, relative to the root; else the released manifests are run. */
  readonly dump?: string;
}

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  readonly state: StateName;
  /** Drops it; so does the end of the process. */
  close(): Promise<void>;
}

/** The functions of a runner by which suites are described: those of Jest, Vitest or Bun, or those of Mocha or node:test. */
export type Runner = { describe(name: string, define: () => void): unknown } & (
  | {
      beforeAll(body: () => Promise<void>, timeoutMs?: number): unknown;
      afterAll(body: () => Promise<void>, timeoutMs?: number): unknown;
    }
  | { before(body: () => Promise<void>): unknown; after(body: () => Promise<void>): unknown }
);

export interface MigrationSuite {
  /** For hooks and tests: a knex on the suite's own database. */
  readonly knex: Knex;
  /** The same database for anything else that connects. */
  url(): Promise<string>;
  /** Whether it is the schema before what the release adds, or after. */
  readonly state: StateName;
}

export interface SuiteOptions extends StateOptions {
  /** Where they are no globals, as of node:test or Vitest: `{ describe, before, after }` or `{ describe, beforeAll, afterAll }`. */
  readonly runner?: Runner;
}

/** The first suite may have to start a server and run many migrations. */
const TIMEOUT_MS = 300_000;

/**
 * The states of the schema that a release's code has to work on: before and after what the release adds; one where it adds nothing.
 * @throws PH1005 when no release is known, PH3005 and PH3006 for manifests that cannot be used.
 */
export function testStates({ root = process.cwd(), release }: StateOptions = {}): StateName[] {
  return statesServed({ root, release }).states.map(({ name }) => name);
}

/**
 * A new database with the schema of a state, cloned from one that is made once and kept until migrations change: for any runner, by a hook before and one after.
 * @throws as `testStates` does, PH1018 where there is no server, PH1030 for a dump that cannot be loaded, and what migrations throw.
 */
export async function openTestDatabase(
  options: StateOptions & { readonly state?: StateName } = {},
): Promise<TestDatabase> {
  const { root = process.cwd(), release, dump, state = 'after' } = options;
  const found = statesServed({ root, release });
  // A release that adds nothing has one state, which is both.
  const wanted = found.states.find(({ name }) => name === state) ?? found.states[0];
  if (wanted === undefined) throw new Error('A release has at least one state.');
  const database = await databaseServed({ root: found.root, state: wanted, dump });
  return { ...database, state };
}

/**
 * Describes a suite that runs on the schema before and after what the current release adds, each on a clone of its own on
 * an embedded server; once where the release adds nothing. Manifests of later releases do not count.
 * @throws PH1005 when no release is known, PH3005 and PH3006 for manifests that cannot be used, PH5023 where no runner is known.
 */
export function describeWithMigrations(
  name: string,
  define: (suite: MigrationSuite) => void,
  { root = process.cwd(), release, dump, runner = globalRunner() }: SuiteOptions = {},
): void {
  const found = statesServed({ root, release });
  for (const state of found.states) {
    const title = found.states.length === 1 ? '' : ` ${state.name} the migrations of ${found.release}`;
    runner.describe(`${name}${title}`, () => {
      let database: Promise<ServedDatabase> | null = null;
      const url = async (): Promise<string> => {
        database ??= databaseServed({ root: found.root, state, dump });
        return (await database).url;
      };
      // It connects with the first query, so that it can be handed out before there is a database.
      const connection = async (): Promise<Knex.PgConnectionConfig> => ({ connectionString: await url() });
      const knex = makeKnex({ client: 'pg', connection, pool: { min: 0, max: 4 } });
      around(runner, {
        before: async () => void (await url()),
        after: async () => {
          await knex.destroy();
          await (await database?.catch(() => null))?.close();
        },
      });
      define({ knex, url, state: state.name });
    });
  }
}

function globalRunner(): Runner {
  const { describe, beforeAll, afterAll, before, after } = globalThis as unknown as Partial<
    Record<'describe' | 'beforeAll' | 'afterAll' | 'before' | 'after', unknown>
  >;
  const hooks = beforeAll === undefined ? { before, after } : { beforeAll, afterAll };
  if (typeof describe === 'function' && Object.values(hooks).every((hook) => typeof hook === 'function')) {
    return { describe, ...hooks } as unknown as Runner;
  }
  const problems = [
    'there are no global describe, beforeAll and afterAll (or before and after): hand over those of the runner, as { runner: { describe, before, after } }',
  ];
  throw new PhaseError('PH5023', { call: 'describeWithMigrations', problems });
}

interface Hooks {
  before(): Promise<void>;
  after(): Promise<void>;
}

/** Jest and Vitest take how long a hook may last; Mocha is told by `this`, and node:test sets no limit. */
function around(runner: Runner, hooks: Hooks): void {
  if ('beforeAll' in runner) {
    runner.beforeAll(hooks.before, TIMEOUT_MS);
    runner.afterAll(hooks.after, TIMEOUT_MS);
    return;
  }
  const patient = (body: () => Promise<void>) =>
    async function (this: { timeout?(ms: number): void } | undefined): Promise<void> {
      if (typeof this?.timeout === 'function') this.timeout(TIMEOUT_MS);
      await body();
    };
  runner.before(patient(hooks.before));
  runner.after(patient(hooks.after));
}
