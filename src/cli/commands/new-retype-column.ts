import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase new retype-column` */
export function registerNewRetype(group: Command, action: Action): void {
  group
    .command('retype-column')
    .description(
      'all three phases of giving a column another type under its name; one plain migration where that is all it takes',
    )
    .option('--table <table>', 'the table, as in SQL: [schema.]table')
    .option('--column <column>', 'the column, not quoted')
    .option('--to-type <type>', 'its new type, as in SQL: bigint, numeric(12, 2), public.mood')
    .option('--using <expression>', 'the new value, as SQL that names the column (else the cast)')
    .option('--back <expression>', 'the old value of a new one, as SQL that names the column (else the cast)')
    .option(
      '--on-error <what>',
      'a value that cannot be converted: null, value:EXPR, or refuse (default), rows now and writes later',
    )
    .option('--releases <r1,r2,r3>', 'the releases of the three phases')
    .option(
      '--with-references',
      'columns that reference it get the type in the same releases, and those that reference these',
    )
    .option('--tolerated', 'the release of the first phase reads and writes both types already')
    .option('--name <slug>', 'name of the change')
    .option(
      '--quiet-triggers',
      "refuse a role that may not keep the application's triggers quiet while the backfill runs",
    )
    .addHelpText(
      'after',
      '\nExample:\n  phase new retype-column --table users --column id --to-type bigint --releases 1.1.0,1.2.0,1.3.0 --yes',
    )
    .action(
      action(async (context, command) =>
        (await import('../actions/new-retype-column.ts')).runRetype(context, command.opts()),
      ),
    );
}
