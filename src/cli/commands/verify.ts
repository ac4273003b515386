import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase verify` */
export function registerVerify(program: Command, action: Action): void {
  program
    .command('verify')
    .description(
      'run what is pending on a clone, there and back, and compare it with the wanted schema; exit 7 when it differs',
    )
    .option(
      '--from <source>',
      'database, a URL, or migrations: those of released manifests (else the database, where one is known)',
    )
    .option('--to <source>', 'the wanted schema (else wantedSchema of the configuration, else db/structure.sql)')
    .option('--release <version>', 'what is pending up to it (else all)')
    .option('--rows', 'with the rows of the database: none may be lost or changed by a schema migration')
    .addHelpText('after', '\nExample:\n  phase verify --from database --rows')
    .action(
      action(async (context, command) => (await import('../actions/verify.ts')).runVerify(context, command.opts())),
    );
}
