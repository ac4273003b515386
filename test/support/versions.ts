import { afterAll, beforeAll, describe, test as everyTest } from '@jest/globals';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from './bookshop.ts';
import { serverUrl } from './database.ts';
import { FAST_SETTINGS } from './server.ts';

/** The oldest version on which behaviour is tested beside the newest; ends of renames are on all of them. */
const OLDER = 15 as const;

/** `VERSIONS=all` runs each test on both; a run without it takes them by turns. */
const ALL = process.env.VERSIONS === 'all';
/** Which of the two servers tests are declared for, and how many were so far. */
let turn = 0;
let declared = 0;

/**
 * Runs tests on an older server and on the newest: those that are declared by `versionedTest`, by turns on one of them;
 * a file with a single test declares it by jest's own `test`, for a server without a test fails the file.
 * @param body gets a function that gives the server's URL within a test.
 */
export function onVersions(body: (server: () => string) => void): void {
  describe.each([OLDER, NEWEST_EMBEDDED] as const)('on PostgreSQL %i', (version) => {
    turn = version === OLDER ? 0 : 1;
    declared = 0;
    const name = `test-${process.pid}-${version}-${process.env.JEST_WORKER_ID ?? 0}`;
    const options = { version, project: repository, name, settings: FAST_SETTINGS };
    let server: string;
    beforeAll(async () => {
      const isRunning = version === NEWEST_EMBEDDED && !process.env.TEST_DATABASE_URL;
      server = isRunning ? serverUrl() : await startEmbedded(options);
    });
    afterAll(async () => {
      if (server !== serverUrl()) await removeEmbedded(options);
    });
    body(() => server);
  });
}

/** jest's `test` for what `onVersions` gets. */
export const versionedTest = Object.assign(
  (...[name, run, timeout]: Parameters<typeof everyTest>) => {
    if (isInTurn()) everyTest(name, run, timeout);
  },
  {
    each: ((rows: readonly unknown[]) => {
      const taken = rows.filter(isInTurn);
      return taken.length === 0 ? () => undefined : everyTest.each(taken as never);
    }) as unknown as typeof everyTest.each,
  },
);

function isInTurn(): boolean {
  return ALL || declared++ % 2 === turn;
}
