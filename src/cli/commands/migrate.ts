import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase migrate` and `phase finish` */
export function registerMigrate(program: Command, action: Action): void {
  program
    .command('migrate')
    .description('run what a release needs, before it is rolled out')
    .option('--release <version>', 'the release (else the configuration, else package.json)')
    .option('--maintenance', 'nothing is alive: run everything in order')
    .option('--slow-roll', "one release's worth; exit 3 while more remain")
    .option('--running <version>', 'only this release is alive now')
    .option('--run-baseline', 'run what was taken over from knex in a database that has tables already')
    .option('--straggler-window <duration>', 'how old the last write to an old column has to be before phase 3')
    .option('--dry-run', 'print every statement, run none')
    .addHelpText('after', '\nExample:\n  phase migrate --release 1.2.0')
    .action(
      action(async (context, command) => (await import('../actions/migrate.ts')).runMigrate(context, command.opts())),
    );
  program
    .command('finish')
    .description('after a roll-out: only the release migrated last is alive; run what was held')
    .option('--straggler-window <duration>', 'how old the last write to an old column has to be before phase 3')
    .addHelpText('after', '\nExample:\n  phase finish')
    .action(
      action(async (context, command) => (await import('../actions/migrate.ts')).runFinish(context, command.opts())),
    );
}
