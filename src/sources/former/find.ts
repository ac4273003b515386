import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { filesBelow } from '../../project/files-below.ts';

interface Wanted {
  /** Of the file that tells the place, with as many folders as it takes to tell it. */
  readonly name: string;
  /** Where it is in most projects. */
  readonly usual: string;
}

/** A file of another tool, relative to the root: where it is usually, or the only one below. @throws PH1028 */
export async function placeOf(root: string, { name, usual }: Wanted): Promise<string> {
  if (existsSync(join(root, usual))) return usual;
  const found = (await filesBelow(root)).filter((file) => file === name || file.endsWith(`/${name}`));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new PhaseError('PH1028', {
    reason: only === undefined ? `There is no ${basename(name)} here.` : `There are several: ${found.join(', ')}.`,
    remedy: 'Name the folder of its migrations: --directory FOLDER.',
  });
}
