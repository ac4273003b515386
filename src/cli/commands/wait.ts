import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase wait` */
export function registerWait(program: Command, action: Action): void {
  program
    .command('wait')
    .description('until a release can start on this database: for init containers; reads only')
    .option('--release <version>', 'the release (else the configuration, else package.json)')
    .option('--timeout <duration>', 'how long', '60')
    .addHelpText('after', '\nExample:\n  phase wait --release 1.2.0 --timeout 300')
    .action(action(async (context, command) => (await import('../actions/wait.ts')).wait(context, command)));
}
