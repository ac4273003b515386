import { type Command, Option } from 'commander';
import type { Action } from '../action.ts';
import { several } from '../several.ts';

/** `phase new split-column` and `phase new merge-columns` */
export function registerNewMapping(group: Command, action: Action): void {
  const split = group
    .command('split-column')
    .description('all three phases of making several columns of one, computed there and back')
    .option('--table <table>', 'the table, as in SQL: [schema.]table')
    .option('--from <column>', 'the column, not quoted')
    .addOption(
      new Option('--into <name=expression>', 'a new column, as SQL that names the old one; once for each').argParser(
        several,
      ),
    )
    .option('--back <expression>', 'the old column, as SQL that names the new ones (else nothing leads back)');
  withCommon(split)
    .addHelpText(
      'after',
      `\nExample:\n  phase new split-column --table users --from name --into "first_name=split_part(name, ' ', 1)" --into "last_name=substr(name, strpos(name, ' ') + 1)" --back "first_name || ' ' || last_name" --releases 1.1.0,1.2.0,1.3.0 --yes`,
    )
    .action(
      action(async (context, command) => (await import('../actions/new-mapping.ts')).runSplit(context, command.opts())),
    );
  const merge = group
    .command('merge-columns')
    .description('all three phases of making one column of several, computed there and back')
    .option('--table <table>', 'the table, as in SQL: [schema.]table')
    .addOption(new Option('--from <column>', 'a column that goes, not quoted; once for each').argParser(several))
    .option('--to <column>', 'the new column, not quoted')
    .option('--using <expression>', 'the new column, as SQL that names the old ones')
    .addOption(
      new Option(
        '--back <name=expression>',
        'an old column, as SQL that names the new one; once for each (else nothing leads back)',
      ).argParser(several),
    );
  withCommon(merge)
    .addHelpText(
      'after',
      `\nExample:\n  phase new merge-columns --table users --from day --from hour --to at --using "day + hour" --back "day=at::date" --back "hour=at::time" --releases 1.1.0,1.2.0,1.3.0 --yes`,
    )
    .action(
      action(async (context, command) => (await import('../actions/new-mapping.ts')).runMerge(context, command.opts())),
    );
}

function withCommon(command: Command): Command {
  return command
    .addOption(
      new Option('--drop <name>', 'something that hangs on an old column, and goes with it; once for each').argParser(
        several,
      ),
    )
    .option(
      '--on-error <what>',
      'where an expression has no result: null, value:EXPR, or refuse (default), rows now and writes later',
    )
    .option('--releases <r1,r2,r3>', 'the releases of the three phases')
    .option('--name <slug>', 'name of the change')
    .option(
      '--quiet-triggers',
      "refuse a role that may not keep the application's triggers quiet while the backfill runs",
    );
}
