import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase acknowledge` */
export function registerAcknowledge(program: Command, action: Action): void {
  program
    .command('acknowledge <rename> <object>')
    .description('that somebody has looked at what a gate of a rename names, and that it need not be carried over')
    .option('--why <reason>', 'the reason, which the ledger keeps')
    .addHelpText(
      'after',
      `\nExample:\n  phase acknowledge users_email_to_addr 'index "old_report"' --why 'dropped in the next release'`,
    )
    .action(
      action(async (context, command) => (await import('../actions/acknowledge.ts')).acknowledge(context, command)),
    );
}
