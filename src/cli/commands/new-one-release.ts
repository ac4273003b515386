import { type Command, Option } from 'commander';
import type { Action } from '../action.ts';
import { several } from '../several.ts';

/** `phase new set-not-null`, `set-default`, `rename-table` and `drop-column`: what one release brings. */
export function registerNewOneRelease(group: Command, action: Action): void {
  group
    .command('set-not-null')
    .description('a column becomes NOT NULL, without a long lock, once no release is alive that may write NULL')
    .option('--table <table>', 'the table, as in SQL: [schema.]table')
    .option('--column <column>', 'the column, not quoted')
    .option('--fill <expression>', 'what rows get that have none, as SQL of the row; in batches')
    .option('--tolerated', 'no release that is alive writes NULL any more')
    .option('--release <version>', 'whose manifest (else the configuration, else package.json)')
    .addHelpText('after', '\nExample:\n  phase new set-not-null --table users --column email --fill "\'none\'" --yes')
    .action(
      action(async (context, command) =>
        (await import('../actions/new-one-release.ts')).runSetNotNull(context, command.opts()),
      ),
    );
  group
    .command('drop-column')
    .description('a column goes, once no release is alive that may use it, and nobody writes it any more')
    .option('--table <table>', 'the table, as in SQL: [schema.]table')
    .option('--column <column>', 'the column, not quoted')
    .addOption(
      new Option('--drop <name>', 'something that hangs on it, and goes with it; once for each').argParser(several),
    )
    .option('--tolerated', 'no release that is alive uses it any more')
    .option('--release <version>', 'whose manifest (else the configuration, else package.json)')
    .addHelpText('after', '\nExample:\n  phase new drop-column --table users --column fax --yes')
    .action(
      action(async (context, command) =>
        (await import('../actions/new-one-release.ts')).runDropColumn(context, command.opts()),
      ),
    );
  group
    .command('rename-table')
    .description('a table gets another name; older releases go on with a view of the old one, until none is alive')
    .option('--table <table>', 'the table, as in SQL: [schema.]table')
    .option('--to <name>', 'its new name, not quoted, without schema')
    .option('--tolerated', 'no release that is alive needs of the table what a view has not')
    .option('--release <version>', 'whose manifest (else the configuration, else package.json)')
    .addHelpText('after', '\nExample:\n  phase new rename-table --table users --to people --yes')
    .action(
      action(async (context, command) =>
        (await import('../actions/new-one-release.ts')).runRenameTable(context, command.opts()),
      ),
    );
  group
    .command('set-default')
    .description('another default of a column, for rows that are inserted without it')
    .option('--table <table>', 'the table, as in SQL: [schema.]table')
    .option('--column <column>', 'the column, not quoted')
    .option('--default <expression>', 'the default, as in SQL')
    .option('--release <version>', 'whose manifest (else the configuration, else package.json)')
    .addHelpText(
      'after',
      '\nExample:\n  phase new set-default --table users --column created_at --default "now()" --yes',
    )
    .action(
      action(async (context, command) =>
        (await import('../actions/new-one-release.ts')).runSetDefault(context, command.opts()),
      ),
    );
}
