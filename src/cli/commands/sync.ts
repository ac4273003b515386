import type { Command } from 'commander';
import type { Action } from '../action.ts';
import { collect } from './diff.ts';

/** `phase sync` */
export function registerSync(program: Command, action: Action): void {
  program
    .command('sync')
    .description(
      'bring a database for development to the wanted schema, without migrations, after showing the statements and asking',
    )
    .option('--to <source>', 'the wanted schema (else wantedSchema of the configuration, else db/structure.sql)')
    .option('--allow-data-loss', 'also the statements after which values are gone')
    .option(
      '--rename <table.column=name>',
      'a column that goes is the one that comes; several times for several',
      collect,
    )
    .addHelpText('after', '\nExample:\n  phase sync --to module:src/models.ts')
    .action(action(async (context, command) => (await import('../actions/sync.ts')).runSync(context, command.opts())));
}
