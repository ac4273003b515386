import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileChecksum } from '../project/checksum.ts';

/** A sum over what migrations may import of the application: the modules in lib/. */
export async function modulesKey(root: string): Promise<string> {
  const hash = createHash('sha256');
  const modules = await readdir(join(root, 'lib'), { recursive: true, withFileTypes: true }).catch(() => []);
  const files = modules.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(`${file} ${fileChecksum(file)}\n`);
  return hash.digest('hex');
}
