import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase squash` */
export function registerSquash(program: Command, action: Action): void {
  program
    .command('squash')
    .description('put a baseline in the place of all migrations up to a release that every living database has')
    .requiredOption('--up-to <release>', 'a release that is cut')
    .addHelpText('after', '\nExample:\n  phase squash --up-to 3.0.0')
    .action(
      action(async (context, command) => (await import('../actions/squash.ts')).runSquash(context, command.opts())),
    );
}
