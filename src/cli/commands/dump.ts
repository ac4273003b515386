import type { Command } from 'commander';
import { folders } from '../../project/folders.ts';
import type { Action } from '../action.ts';

/** `phase dump` */
export function registerDump(program: Command, action: Action): void {
  program
    .command('dump')
    .description(`write ${folders.structure}: the schema that all migrations give, the same on every machine`)
    .option('--check', 'write nothing; exit 7 when it would change')
    .option('--out <file>', `another file than ${folders.structure}`)
    .option('--release <version>', 'migrations up to it (else all)')
    .addHelpText('after', '\nExample:\n  phase dump --check')
    .action(action(async (context, command) => (await import('../actions/dump.ts')).runDump(context, command.opts())));
}
