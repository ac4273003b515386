import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** One of `--rename t.a=b`, which may be given several times. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `phase diff` */
export function registerDiff(program: Command, action: Action): void {
  program
    .command('diff')
    .description(
      'the statements that lead from one schema to another one, each with what it locks and loses; exit 7 when there are any',
    )
    .option('--from <source>', 'a URL, a .sql file, database, migrations, git:REF, module:FILE', 'migrations')
    .option('--to <source>', 'the same (else wantedSchema of the configuration, else db/structure.sql)')
    .option('--release <version>', 'for migrations: those up to it (else all)')
    .option('--allow-data-loss', 'also the statements after which values are gone')
    .option(
      '--rename <table.column=name>',
      'a column that goes is the one that comes; several times for several',
      collect,
    )
    .addHelpText('after', '\nExample:\n  phase diff --from database --to module:src/models.ts')
    .action(action(async (context, command) => (await import('../actions/diff.ts')).runDiff(context, command.opts())));
}
