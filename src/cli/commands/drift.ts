import type { Command } from 'commander';
import type { Action } from '../action.ts';
import { collect } from './diff.ts';

/** `phase drift` */
export function registerDrift(program: Command, action: Action): void {
  program
    .command('drift')
    .description(
      'what was made, changed or dropped by hand: the database against what its ledger says, with the statements that bring it back; exit 7 when there is any',
    )
    .option(
      '--ignore <pattern>',
      'objects that are meant, such as "table public.tmp_*", besides drift.ignore of the configuration',
      collect,
    )
    .addHelpText('after', '\nExample:\n  phase drift --ignore "index public.dba_*"')
    .action(
      action(async (context, command) => (await import('../actions/drift.ts')).runDrift(context, command.opts())),
    );
}
