import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase resolve` */
export function registerResolve(program: Command, action: Action): void {
  program
    .command('resolve <id>')
    .description('say by hand what became of a migration: that it is applied, or is to run again')
    .option('--applied', 'it is complete')
    .option('--retry', 'run it again')
    .addHelpText('after', '\nExample:\n  phase resolve 20261120101500_rebuild_index --retry')
    .action(action(async (context, command) => (await import('../actions/resolve.ts')).resolve(context, command)));
}
