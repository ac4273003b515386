import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase usages` and `phase notice` */
export function registerUsages(program: Command, action: Action): void {
  program
    .command('usages <rename>')
    .description("where the application's code still names the old column, or one whose type changes")
    .addHelpText('after', '\nExample:\n  phase usages users_email_to_email_address')
    .action(
      action(async (context, command) => (await import('../actions/usages.ts')).usages(context, command.args[0] ?? '')),
    );
  program
    .command('notice <rename>')
    .description('a text for teams outside who read the database: what changes, when, what to do until then')
    .addHelpText('after', '\nExample:\n  phase notice users_email_to_email_address > notice.md')
    .action(
      action(async (context, command) => (await import('../actions/usages.ts')).notice(context, command.args[0] ?? '')),
    );
}
