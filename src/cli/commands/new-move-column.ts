import { type Command, Option } from 'commander';
import type { Action } from '../action.ts';
import { several } from '../several.ts';

/** `phase new move-column` */
export function registerNewMove(group: Command, action: Action): void {
  group
    .command('move-column')
    .description('all three phases of moving a column to another table, while releases write either')
    .option('--table <table>', 'the table that it leaves, as in SQL: [schema.]table')
    .option('--column <column>', 'the column, not quoted')
    .option('--to-table <table>', 'the table that it comes to, as in SQL')
    .option('--to <column>', 'its name there, not quoted (else the same)')
    .option('--via <condition>', 'which rows belong together: contacts.user_id = users.id, several with AND')
    .option('--missing <what>', 'a value without a row to go to: create it, skip the value, or refuse (default)')
    .addOption(
      new Option('--drop <name>', 'something that hangs on the column, and goes with it; once for each').argParser(
        several,
      ),
    )
    .addOption(
      new Option(
        '--carry <name>',
        'the same, and it is built on the other table by a migration of the second release; once for each',
      ).argParser(several),
    )
    .option('--releases <r1,r2,r3>', 'the releases of the three phases')
    .option('--name <slug>', 'name of the change')
    .option(
      '--quiet-triggers',
      "refuse a role that may not keep the application's triggers quiet while the backfill runs",
    )
    .addHelpText(
      'after',
      '\nExample:\n  phase new move-column --table users --column email --to-table contacts --to email --via "contacts.user_id = users.id" --releases 1.1.0,1.2.0,1.3.0 --yes',
    )
    .action(
      action(async (context, command) =>
        (await import('../actions/new-move-column.ts')).runMove(context, command.opts()),
      ),
    );
}
