import { afterAll, beforeAll, describe } from '@jest/globals';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from './bookshop.ts';
import { serverUrl } from './database.ts';
import { FAST_SETTINGS } from './server.ts';

/** The oldest version on which behaviour is tested beside the newest; ends of renames are on all of them. */
const OLDER = 15 as const;

/** Runs tests on an older server and on the newest. @param body gets a function that gives the server's URL within a test. */
export function onVersions(body: (server: () => string) => void): void {
  describe.each([OLDER, NEWEST_EMBEDDED] as const)('on PostgreSQL %i', (version) => {
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
