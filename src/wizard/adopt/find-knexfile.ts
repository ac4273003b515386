import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { NO_SOURCES } from '../../project/files-below.ts';

const NAMES = ['js', 'ts', 'mjs', 'cjs', 'mts', 'cts'].map((extension) => `knexfile.${extension}`);
/** packages/server/src/config/db: no deeper. */
const DEPTH = 5;

/**
 * The knexfile of a project, relative to its folder: in it, in a folder around it that is in the same repository, or the only one in a folder below; null
 * where there is none.
 * @throws PH1028 when there are several below.
 */
export async function findKnexfile(root: string): Promise<string | null> {
  for (const folder of [root, ...around(root)]) {
    const name = NAMES.find((candidate) => existsSync(join(folder, candidate)));
    if (name !== undefined) return relative(root, join(folder, name));
  }
  const below = await knexfilesBelow(root, '', DEPTH);
  if (below.length > 1) {
    throw new PhaseError('PH1028', {
      reason: `There are several knexfiles: ${below.join(', ')}.`,
      remedy: 'Name the one that is meant: --knexfile FILE.',
    });
  }
  return below[0] ?? null;
}

/** Up to the root of the repository; none where there is no repository. */
function around(root: string): string[] {
  const folders: string[] = [];
  for (let folder = resolve(root); !existsSync(join(folder, '.git')); ) {
    const parent = dirname(folder);
    if (parent === folder) return [];
    folders.push(parent);
    folder = parent;
  }
  return folders;
}

async function knexfilesBelow(root: string, folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  const name = folder === '' ? undefined : NAMES.find((candidate) => entries.some((entry) => entry.name === candidate));
  if (name !== undefined) return [join(folder, name)];
  if (depth === 0) return [];
  const folders = entries.filter((entry) => entry.isDirectory() && !NO_SOURCES.test(entry.name));
  const found = await Promise.all(folders.map((entry) => knexfilesBelow(root, join(folder, entry.name), depth - 1)));
  return found.flat().sort();
}
