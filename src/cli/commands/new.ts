import type { Command } from 'commander';
import type { Action } from '../action.ts';
import { registerNewChange } from './new-change.ts';
import { registerNewMapping } from './new-mapping.ts';
import { registerNewFromDiff } from './new-migration-from-diff.ts';
import { registerNewMove } from './new-move-column.ts';
import { registerNewOneRelease } from './new-one-release.ts';
import { registerNewRename } from './new-rename-column.ts';
import { registerNewRetype } from './new-retype-column.ts';

/** `phase new ...` */
export function registerNew(program: Command, action: Action): void {
  const group = program.command('new').description('write new files, and enter them in a manifest');
  registerNewChange(group, action);
  registerNewRename(group, action);
  registerNewRetype(group, action);
  registerNewMapping(group, action);
  registerNewMove(group, action);
  registerNewOneRelease(group, action);
  registerNewFromDiff(group, action);
  for (const kind of ['schema', 'data'] as const) {
    group
      .command(`${kind} <name>`)
      .description(`a ${kind} migration`)
      .option('--release <version>', 'whose manifest (else the configuration, else package.json)')
      .option('--sql', 'in plain SQL')
      .addHelpText('after', `\nExample:\n  phase new ${kind} ${kind === 'schema' ? 'create_books' : 'fill_countries'}`)
      .action(
        action(async (context, command) => (await import('../actions/new.ts')).newMigration(context, kind, command)),
      );
  }
  group
    .command('revert <id>')
    .description('the migration that takes another one back, where nothing is undone: its way back is the way there')
    .option('--release <version>', 'whose manifest (else the configuration, else package.json)')
    .addHelpText('after', '\nExample:\n  phase new revert 20260901090000_create_books')
    .action(action(async (context, command) => (await import('../actions/new.ts')).newRevert(context, command)));
  group
    .command('task <name>')
    .description('a temporary task: run by hand, as often as needed')
    .addHelpText('after', '\nExample:\n  phase new task fill_countries')
    .action(action(async (context, command) => (await import('../actions/new.ts')).newTask(context, command)));
  for (const kind of ['function', 'trigger'] as const) {
    const command = group
      .command(`${kind} <name>`)
      .description(`the first version of a ${kind}, or a copy of the last one as the next`)
      .option('--release <version>', 'whose manifest (else the configuration, else package.json)');
    if (kind === 'trigger') command.option('--on <table>', 'the table, as in SQL');
    command
      .addHelpText(
        'after',
        `\nExample:\n  phase new ${kind} ${kind === 'function' ? 'touch_updated_at' : 'books_touch --on books'}`,
      )
      .action(action(async (context, sub) => (await import('../actions/new.ts')).newVersion(context, kind, sub)));
  }
}
