import type { Finding } from '../domain/finding.ts';
import type { RenamedFunction } from '../domain/rename.ts';

/** A copy of a function that nobody has reviewed, and the file that it is in. */
export interface UneditedCopy extends RenamedFunction {
  readonly rename: string;
  readonly path: string;
}

/** Copies of functions that phase 2 would install as they were scaffolded: from phase 3 on they name a column that is gone. */
export function checkUneditedCopies(copies: readonly UneditedCopy[]): Finding[] {
  return copies.map(({ rename, path, signature }) => ({
    code: 'unedited_copy',
    severity: 'error',
    file: path,
    line: 1,
    message: `${signature} is still the copy that was scaffolded for ${rename}, and names the old column.`,
    remedy:
      'Write the new name where the old one means the column, or take the first line out where it means none; then run phase hash.',
  }));
}
