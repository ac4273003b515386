import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase hash` */
export function registerHash(program: Command, action: Action): void {
  program
    .command('hash')
    .description(
      'enter new files into the open manifest of the current release, bring checksums up to date, and observe which tables the migrations touch',
    )
    .option('--no-replay', 'do not run the migrations on an embedded server: what they touch stays unknown')
    .addHelpText('after', '\nExample:\n  phase hash')
    .action(action(async (context, command) => (await import('../actions/hash.ts')).runHash(context, command.opts())));
}
