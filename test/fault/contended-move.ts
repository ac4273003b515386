import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { contend } from './contention.ts';

const WRITES = Number(process.argv[2] ?? 100_000);

/** What twelve clients meet that write both sides of ten values while a column moves: `npm run fault:move -- [WRITES]`. */
async function main(): Promise<void> {
  const options = { version: NEWEST_EMBEDDED, project: repository, name: `contended-${process.pid}` };
  const server = await startEmbedded(options);
  try {
    for (const phase of [1, 2] as const)
      for (const isGrouped of [false, true])
        for (const inTransactions of [false, true]) {
          const asked = { writes: WRITES, phase, isGrouped, inTransactions };
          const result = await contend({ server, ...asked });
          process.stdout.write(`${JSON.stringify({ ...asked, ...result })}\n`);
          if (result.mismatches > 0) process.exitCode = 1;
        }
  } finally {
    await removeEmbedded(options);
  }
}

await main();
