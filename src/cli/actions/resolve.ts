import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { resolveMigration } from '../../runner/resolve.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function resolve(context: CommandContext, command: Command): Promise<Result> {
  const { applied, retry } = command.opts<{ applied?: boolean; retry?: boolean }>();
  if ((applied ?? false) === (retry ?? false)) {
    throw new PhaseError('PH1004', {
      question: 'Is the migration complete?',
      flag: '--applied or --retry, one of them',
    });
  }
  const document = await resolveMigration(await context.runner(), command.args[0] ?? '', applied ? 'applied' : 'retry');
  return { document, text: `${document.id} is ${document.state}` };
}
