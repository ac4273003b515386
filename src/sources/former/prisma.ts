import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { FORMER_TABLES } from '../../domain/former-ledger.ts';
import { placeOf } from './find.ts';
import type { FormerMigrations, FormerRequest, FormerScript } from './former.ts';
import { applyScripts } from './scripts.ts';

const LOCK = 'migration_lock.toml';

/**
 * Prisma's: a folder for each, with `migration.sql`, in the order of their names.
 * @throws PH1028
 */
export async function prismaMigrations(root: string, { directory, table }: FormerRequest): Promise<FormerMigrations> {
  const found = directory ?? dirname(await placeOf(root, { name: LOCK, usual: join('prisma', 'migrations', LOCK) }));
  await ensurePostgres(root, found);
  const scripts = await readScripts(root, found);
  return {
    ledger: { tool: 'prisma', table: table ?? FORMER_TABLES.prisma },
    directory: found,
    apply: (database) => applyScripts(database, scripts),
  };
}

async function ensurePostgres(root: string, directory: string): Promise<void> {
  const lock = await readFile(join(root, directory, LOCK), 'utf8').catch(() => '');
  const [, provider = 'postgresql'] = /^\s*provider\s*=\s*"([^"]*)"/m.exec(lock) ?? [];
  if (/^(?:postgres|postgresql|cockroachdb)$/.test(provider)) return;
  const reason = `${join(directory, LOCK)} says that they are for ${provider}.`;
  throw new PhaseError('PH1028', { reason, remedy: 'Name those for PostgreSQL: --directory FOLDER.' });
}

async function readScripts(root: string, directory: string): Promise<FormerScript[]> {
  const entries = await readdir(join(root, directory), { withFileTypes: true }).catch(() => []);
  const ids = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  if (ids.length === 0)
    throw new PhaseError('PH1028', {
      reason: `There is no migration in ${directory}.`,
      remedy: 'Name the folder in which each has a folder of its own: --directory FOLDER.',
    });
  return Promise.all(
    ids.map(async (id): Promise<FormerScript> => {
      const file = join(directory, id, 'migration.sql');
      const text = await readFile(join(root, file), 'utf8').catch(() => {
        throw new PhaseError('PH1028', {
          reason: `${file} cannot be read.`,
          remedy: 'Bring it back from version control, or delete its folder where it is none of Prisma.',
        });
      });
      return { id, file, parts: [text] };
    }),
  );
}
