import type { Command } from 'commander';
import type { Action } from '../action.ts';
import { collect } from './diff.ts';

/** `phase new migration-from-diff` */
export function registerNewFromDiff(group: Command, action: Action): void {
  group
    .command('migration-from-diff <name>')
    .description(
      'the difference to the wanted schema as migrations that do not block, one about one thing; a rename becomes three phases',
    )
    .option('--from <source>', 'what the migrations so far give, or another source', 'migrations')
    .option('--to <source>', 'the wanted schema (else wantedSchema of the configuration, else db/structure.sql)')
    .option(
      '--release <version>',
      'whose manifest (else the first of --releases, else the configuration, else package.json)',
    )
    .option(
      '--rename <table.column=name>',
      'a column that goes is the one that comes: scaffolded in three phases; several times for several',
      collect,
    )
    .option('--releases <r1,r2,r3>', 'for the three phases of a rename')
    .option('--allow-data-loss', 'also the statements after which values are gone')
    .option('--check', 'write nothing; exit 7 where migrations and the wanted schema differ')
    .addHelpText('after', '\nExample:\n  phase new migration-from-diff add_reviews --to module:src/models.ts')
    .action(
      action(async (context, command) =>
        (await import('../actions/new-migration-from-diff.ts')).runNewFromDiff(context, command),
      ),
    );
}
