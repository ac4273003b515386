import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { FORMER_TABLES } from '../../domain/former-ledger.ts';
import { formerState } from '../../ledger/former-ledger.ts';
import { withConnection } from '../../postgres/connection.ts';
import type { FormerMigrations, FormerRequest } from './former.ts';
import { MEND } from './scripts.ts';

const PACKAGE = join('node_modules', 'node-pg-migrate', 'package.json');

/**
 * What they do stands in code that calls `pgm`: the project's own node-pg-migrate runs them.
 * @throws PH1028
 */
export async function nodePgMigrateMigrations(
  root: string,
  { directory, table }: FormerRequest,
): Promise<FormerMigrations> {
  const found = directory ?? 'migrations';
  if (!existsSync(join(root, PACKAGE)))
    throw new PhaseError('PH1028', {
      reason: `There is no ${PACKAGE}, which has to run them once.`,
      remedy: 'Install what the project needs (npm ci), and run this again in the folder of its package.json.',
    });
  if (!existsSync(join(root, found)))
    throw new PhaseError('PH1028', {
      reason: `There is no folder ${found}.`,
      remedy: 'Name the folder of its migrations: --directory FOLDER.',
    });
  const ledger = { tool: 'node-pg-migrate', table: table ?? FORMER_TABLES['node-pg-migrate'] } as const;
  return {
    ledger,
    directory: found,
    apply: async (database) => {
      await run(root, found, database.connection);
      return withConnection({ ...database, applicationName: 'phase init' }, async (db) => {
        const own = { ...ledger, table: `public.${FORMER_TABLES['node-pg-migrate']}` };
        const { ids } = await formerState(db, own);
        await db.query(`DROP TABLE ${own.table}`);
        return ids ?? [];
      });
    },
  };
}

/**
 * By its function, and not by its command line: that one takes databases, folders and tables from the project's own configuration, and would migrate the one that
 * is named there. Its versions export the function under several names.
 */
const SCRIPT = `const found = await import('node-pg-migrate');
const run = found.runner ?? found.default?.default ?? found.default;
await run({ ...JSON.parse(process.env.PHASE_OPTIONS), direction: 'up', log: () => undefined });`;

/** With a table of the usual name, wherever the project has its own. */
async function run(root: string, directory: string, url: string): Promise<void> {
  const wanted = { databaseUrl: url, dir: directory, migrationsTable: FORMER_TABLES['node-pg-migrate'] };
  const env = { ...process.env, DATABASE_URL: url, PHASE_OPTIONS: JSON.stringify(wanted) };
  const options = { cwd: root, env, maxBuffer: 64 * 1024 * 1024 };
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', SCRIPT], options).catch(
    (error: { stderr?: string; message: string }) => {
      // Without the stack, in which nobody finds the reason.
      const said = (error.stderr || error.message).split('\n').filter((line) => !/^\s+at /.test(line));
      const lines = said.join(' ').replaceAll(/\s+/g, ' ').trim().slice(-500);
      throw new PhaseError(
        'PH1028',
        { reason: `node-pg-migrate fails on an empty database: ${lines}`, remedy: MEND },
        { cause: error },
      );
    },
  );
}
