import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase init`: the configuration and the folders; what exists is left alone. */
export function registerInit(program: Command, action: Action): void {
  program
    .command('init')
    .description('write a commented configuration and the folders')
    .option('--from-knex', 'take over the migrations of a knex project as a baseline, and what its table says has run')
    .option('--deploy <platform>', 'also Jobs, an init container and a Containerfile: kubernetes')
    .addHelpText('after', '\nExamples:\n  phase init\n  phase init --from-knex\n  phase init --deploy kubernetes')
    .action(action(async (context, command) => (await import('../actions/init.ts')).init(context, command.opts())));
}
