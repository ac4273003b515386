import { readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isListedFile } from '../../ledger/audits.ts';
import { all, type LedgerDb, type Queryable } from '../../postgres/queryable.ts';
import { folders } from '../../project/folders.ts';
import { finalPath, isPartial, publishPartial } from './partial-file.ts';

/**
 * Makes good what a crash between a commit and the file's name has left: a file that the ledger lists gets its name, one
 * that it does not list belongs to a change that was rolled back and goes, unless its run is still alive.
 */
export async function repairAudits(db: LedgerDb, root: string): Promise<void> {
  for (const path of await partialFiles(join(root, folders.audits))) {
    const file = relative(root, finalPath(path));
    if (await isAlive(db, path)) continue;
    if (await isListedFile(db, file)) await publishPartial(finalPath(path));
    else await rm(path, { force: true });
  }
}

async function partialFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && isPartial(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The run is the end of the folder's name, and part of the application name of its connections. */
async function isAlive(db: Queryable, path: string): Promise<boolean> {
  const run = path.split(/[\\/]/).at(-2)?.split('-').at(-1) ?? '';
  const found = await all(
    db,
    `SELECT FROM pg_stat_activity WHERE application_name LIKE 'phase-%' AND pg_catalog.split_part(application_name, ' ', 2) = $1 AND pid <> pg_catalog.pg_backend_pid()`,
    [run],
  );
  return found.length > 0;
}
