import { PhaseError } from '../../domain/errors/phase-error.ts';
import { type Database, withConnection } from '../../postgres/connection.ts';
import { reasonOf } from '../../postgres/errors.ts';
import { underOwnNames } from '../../postgres/session.ts';
import type { FormerScript } from './former.ts';

/** Runs scripts as their tool does. @returns their ids. @throws PH1028 for one that fails. */
export async function applyScripts(database: Database, scripts: readonly FormerScript[]): Promise<string[]> {
  await withConnection({ ...database, applicationName: 'phase init' }, async (db) => {
    await underOwnNames(db, async () => {
      for (const { file, parts } of scripts) {
        for (const part of parts) {
          await db.query(part).catch((error) => {
            throw new PhaseError(
              'PH1028',
              { reason: `${file} fails on an empty database: ${reasonOf(error)}.`, remedy: MEND },
              { cause: error },
            );
          });
        }
      }
    });
  });
  return scripts.map(({ id }) => id);
}

/** What a database has that grew, and an empty one has not. */
export const MEND =
  'What it expects to find there (schemas, roles, tables) goes into db/shadow/*.sql; a server that has its extensions is named by shadowDatabaseUrl. Or take a database that is there as the baseline, by hand: docs/coming-from.';
