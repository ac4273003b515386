import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase rollback` */
export function registerRollback(program: Command, action: Action): void {
  program
    .command('rollback')
    .description('undo the migrations that ran last')
    .option('--steps <n>', 'how many', '1')
    .option('--to <id>', 'undo everything after this one')
    .addHelpText('after', '\nExample:\n  phase rollback --steps 1')
    .action(action(async (context, command) => (await import('../actions/rollback.ts')).undo(context, command)));
}
