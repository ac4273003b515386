import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase new change` */
export function registerNewChange(group: Command, action: Action): void {
  group
    .command('change')
    .description('asks what is to change, and then what the command of that kind asks')
    .option(
      '--kind <kind>',
      'rename-column, retype-column, split-column, merge-columns, move-column, drop-column, rename-table, set-not-null or set-default',
    )
    .addHelpText('after', '\nExample:\n  phase new change')
    .action(
      action(async (context, command) => (await import('../actions/new-change.ts')).runChange(context, command.opts())),
    );
}
