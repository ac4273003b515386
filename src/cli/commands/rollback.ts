import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { rollback } from '../../runner/rollback.ts';
import type { Action } from '../action.ts';

/** `phase rollback` */
export function registerRollback(program: Command, action: Action): void {
  program
    .command('rollback')
    .description('undo the migrations that ran last')
    .option('--steps <n>', 'how many', '1')
    .option('--to <id>', 'undo everything after this one')
    .addHelpText('after', '\nExample:\n  phase rollback --steps 1')
    .action(
      action(async (context, command) => {
        const flags = command.opts<{ steps: string; to?: string }>();
        if (!/^[1-9]\d*$/.test(flags.steps)) {
          throw new PhaseError('PH1015', { what: '--steps', value: flags.steps, allowed: 'a number from 1' });
        }
        const { reverted, error } = await rollback({
          ...(await context.runner()),
          steps: Number(flags.steps),
          to: flags.to ?? null,
        });
        const text = reverted.length === 0 ? 'nothing to undo' : reverted.map((id) => `undone ${id}`).join('\n');
        return { document: { reverted }, text, error };
      }),
    );
}
