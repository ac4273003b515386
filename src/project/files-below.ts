import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders of what was installed or built, and hidden ones: no source is looked for there. */
export const NO_SOURCES = /^\.|^(?:node_modules|dist|build|out|coverage|vendor|tmp)$/;

/** All files in a folder and those below it, relative to it. */
export async function filesBelow(root: string, folder = ''): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) return [path];
      return NO_SOURCES.test(entry.name) ? [] : filesBelow(root, path);
    }),
  );
  return found.flat();
}
