import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { writeFiles } from '../project/files.ts';
import { folders } from '../project/folders.ts';
import { dumpStructure } from '../sources/dump.ts';
import type { CommandContext } from './context.ts';
import { surroundingsOf } from './surroundings.ts';

/** Writes db/structure.sql anew, where the project has one: it is what migrations give, and conflicts in it mean nothing. @returns its path where it has changed. */
export async function dumpAgain(context: CommandContext, root: string): Promise<string[]> {
  if (!existsSync(join(root, folders.structure))) return [];
  try {
    const { text: content } = await dumpStructure(await surroundingsOf(context));
    const before = await readFile(join(root, folders.structure), 'utf8');
    if (content !== before) await writeFiles(root, [{ path: folders.structure, content, mode: 'replace' }]);
    return content === before ? [] : [folders.structure];
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    context.output.notice(`${folders.structure} was not written anew: ${error.code} ${error.message} ${error.why}`);
    return [];
  }
}
