import { type Command, Option } from 'commander';
import type { Action } from '../action.ts';
import { several } from '../several.ts';

/** `phase new rename-column` */
export function registerNewRename(group: Command, action: Action): void {
  group
    .command('rename-column')
    .description(
      'all three phases of renaming a column, or several of a table: migrations, functions, triggers, manifests',
    )
    .option('--table <table>', 'the table, as in SQL: [schema.]table')
    .option('--from <column>', 'the column, not quoted')
    .option('--to <name>', 'its new name, not quoted')
    .addOption(
      new Option(
        '--map <old=new>',
        'instead of --from and --to: one of several columns, in the same releases',
      ).argParser(several),
    )
    .option('--releases <r1,r2,r3>', 'the releases of the three phases')
    .option('--name <slug>', 'name of the rename')
    .option(
      '--quiet-triggers',
      "refuse a role that may not keep the application's triggers quiet while the backfill runs",
    )
    .option('--refresh <rename>', 'scaffold what has come to hang on the old column since, into the third release')
    .option('--release <version>', 'with --refresh, where the third release is cut: a hotfix release before it')
    .addHelpText(
      'after',
      `
Examples:
  phase new rename-column --table users --from email --to email_address --releases 1.1.0,1.2.0,1.3.0 --yes
  phase new rename-column --table orders --map tenant=tenant_id --map no=number --releases 1.1.0,1.2.0,1.3.0 --yes`,
    )
    .action(
      action(async (context, command) =>
        (await import('../actions/new-rename-column.ts')).runRename(context, command.opts()),
      ),
    );
}
