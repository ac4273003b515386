import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { FORMER_TABLES } from '../../domain/former-ledger.ts';
import { drizzleId } from '../../ledger/former-ledger.ts';
import { reasonOf } from '../../postgres/errors.ts';
import { placeOf } from './find.ts';
import type { FormerMigrations, FormerRequest, FormerScript } from './former.ts';
import { applyScripts } from './scripts.ts';

const JOURNAL = join('meta', '_journal.json');

const journalSchema = v.object({
  dialect: v.optional(v.string(), 'postgresql'),
  entries: v.array(v.object({ tag: v.string(), when: v.number() })),
});

/**
 * Those of drizzle-kit: a script for each, in the order of its journal.
 * @throws PH1028
 */
export async function drizzleMigrations(root: string, { directory, table }: FormerRequest): Promise<FormerMigrations> {
  const found = directory ?? dirname(dirname(await placeOf(root, { name: JOURNAL, usual: join('drizzle', JOURNAL) })));
  const scripts = await readScripts(root, found);
  return {
    ledger: { tool: 'drizzle', table: table ?? FORMER_TABLES.drizzle },
    directory: found,
    apply: (database) => applyScripts(database, scripts),
  };
}

async function readScripts(root: string, directory: string): Promise<FormerScript[]> {
  const { dialect, entries } = await readJournal(root, directory);
  if (!/^(?:pg|postgresql)$/.test(dialect))
    throw new PhaseError('PH1028', {
      reason: `${join(directory, JOURNAL)} says that they are for ${dialect}.`,
      remedy: 'Name those for PostgreSQL: --directory FOLDER.',
    });
  return Promise.all(
    entries.map(async ({ tag, when }): Promise<FormerScript> => {
      const file = join(directory, `${tag}.sql`);
      const text = await readFile(join(root, file), 'utf8').catch(() => {
        throw new PhaseError('PH1028', {
          reason: `${file} cannot be read, which ${join(directory, JOURNAL)} names.`,
          remedy: 'Bring it back from version control.',
        });
      });
      return { id: drizzleId(when), file, parts: text.split('--> statement-breakpoint') };
    }),
  );
}

async function readJournal(root: string, directory: string): Promise<v.InferOutput<typeof journalSchema>> {
  const file = join(directory, JOURNAL);
  try {
    return v.parse(journalSchema, JSON.parse(await readFile(join(root, file), 'utf8')));
  } catch (error) {
    throw new PhaseError(
      'PH1028',
      {
        reason: `${file} cannot be read: ${reasonOf(error)}.`,
        remedy:
          'Name the folder that drizzle-kit writes to (out in drizzle.config.ts): --directory FOLDER. Without a journal take a baseline by hand: docs/coming-from/drizzle.md.',
      },
      { cause: error },
    );
  }
}
