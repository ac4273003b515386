import type { Command } from 'commander';
import { FINDING_FORMATS } from '../../report/findings.ts';
import type { Action } from '../action.ts';

/** `phase check` */
export function registerCheck(program: Command, action: Action): void {
  program
    .command('check')
    .description(
      'what is wrong with migrations, manifests and renames, before anything is merged; exit 7 when something is',
    )
    .option('--format <format>', Object.keys(FINDING_FORMATS).join(', '), 'text')
    .option('--base <ref>', 'judge what the branch adds to it, and how it stands to it, such as origin/main')
    .option(
      '--no-replay',
      'do not run the migrations on an embedded server to see whether they run, and touch what the manifests say',
    )
    .addHelpText('after', '\nExample:\n  phase check --format github')
    .action(
      action(async (context, command) => (await import('../actions/check.ts')).runCheck(context, command.opts())),
    );
}
