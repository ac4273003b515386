import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { resolveMigration } from '../../runner/resolve.ts';
import type { Action } from '../action.ts';

/** `phase resolve` */
export function registerResolve(program: Command, action: Action): void {
  program
    .command('resolve <id>')
    .description('say by hand what became of a migration: that it is applied, or is to run again')
    .option('--applied', 'it is complete')
    .option('--retry', 'run it again')
    .addHelpText('after', '\nExample:\n  phase resolve 20261120101500_rebuild_index --retry')
    .action(
      action(async (context, command) => {
        const { applied, retry } = command.opts<{ applied?: boolean; retry?: boolean }>();
        if ((applied ?? false) === (retry ?? false)) {
          throw new PhaseError('PH1004', {
            question: 'Is the migration complete?',
            flag: '--applied or --retry, one of them',
          });
        }
        const document = await resolveMigration(
          await context.runner(),
          command.args[0] ?? '',
          applied ? 'applied' : 'retry',
        );
        return { document, text: `${document.id} is ${document.state}` };
      }),
    );
}
