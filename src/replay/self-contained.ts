import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

/** What is imported, required or loaded by a module, as it is written. */
const SPECIFIERS = /\b(?:from|import|require)\s*\(?\s*(['"`])([^'"`]+)\1/g;

/** What may bring in something else, whatever its text: the environment, the network, places on disk, and modules whose names are computed. */
const ELSEWHERE = /\b(?:process|fetch|__dirname|__filename|import\.meta)\b|\b(?:import|require)\s*\((?!\s*['"`])/;

/** These are the same for all that is replayed by one version. */
const OURS = ['triphase', 'knex'];

/**
 * Whether what a migration does depends on its own text and on modules in lib/ alone, of which the sums are known. One that imports something else,
 * reads files or asks the environment may do something else the next time, with the same text.
 */
export async function isSelfContained(root: string, path: string, known = new Set<string>()): Promise<boolean> {
  const file = join(root, path);
  if (known.has(file)) return true;
  known.add(file);
  if (file.endsWith('.sql')) return true;
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null || ELSEWHERE.test(text)) return false;
  for (const [, , specifier = ''] of text.matchAll(SPECIFIERS)) {
    if (OURS.includes(specifier)) continue;
    const module = await moduleIn(join(root, 'lib'), resolve(dirname(file), specifier));
    const isKnown = specifier.startsWith('.') && module !== null;
    if (!isKnown || !(await isSelfContained(root, relative(root, module), known))) return false;
  }
  return true;
}

/** The file in a folder that an import means: with its extension, or with that of the source that it is compiled from. */
async function moduleIn(folder: string, file: string): Promise<string | null> {
  if (!file.startsWith(folder + sep)) return null;
  const stem = file.replace(/\.[cm]?[jt]s$/, '');
  for (const found of [file, ...['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'].map((extension) => stem + extension)]) {
    if ((await readFile(found).catch(() => null)) !== null) return found;
  }
  return null;
}
