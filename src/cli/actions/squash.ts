import { PhaseError } from '../../domain/errors/phase-error.ts';
import { parseRelease } from '../../domain/release.ts';
import { squash } from '../../sources/squash.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import { dumpAgain } from '../dump-again.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';

export async function runSquash(context: CommandContext, { upTo }: { upTo: string }): Promise<Result> {
  const surroundings = await surroundingsOf(context);
  const message = `Does every living database have all migrations up to ${upTo}? One that lacks some has to get them by an older version of the application first.`;
  const { Prompts } = await import('../prompts.ts');
  if (!(await new Prompts(context).confirm({ message, flag: '--yes' })))
    throw new PhaseError('PH1001', { problem: 'It was not confirmed; nothing was written.' });
  const { files, deleted, replaces } = await squash(surroundings, parseRelease(upTo));
  const structure = await dumpAgain(context, surroundings.project.root);
  const written = [...files, ...structure];
  const lines = [
    ...written.map((path) => `wrote ${path}`),
    `deleted ${count(deleted.length, 'file')}, in whose place it stands`,
  ];
  return { document: { files: written, deleted, replaces }, text: lines.join('\n') };
}
