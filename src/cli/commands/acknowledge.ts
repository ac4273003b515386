import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase acknowledge` and `phase approve` */
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
  program
    .command('approve <id>')
    .description(
      'that somebody besides its authors has read a migration, and that it may run where the environment asks for that',
    )
    .option('--by <address>', "who (else git's user.email)")
    .addHelpText('after', '\nExample:\n  phase approve 20260901090100_fill_countries --environment live')
    .action(
      action(async (context, command) => (await import('../actions/acknowledge.ts')).runApprove(context, command)),
    );
}
