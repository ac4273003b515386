import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** What a configuration may be called. */
export const CONFIG_NAMES = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json'].map((extension) => `phase.config.${extension}`);

/** The configuration of a project, walking up from a folder; null where there is none. */
export function findConfigFile(from: string): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = CONFIG_NAMES.map((name) => join(folder, name)).find((file) => existsSync(file));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return null;
  }
}
