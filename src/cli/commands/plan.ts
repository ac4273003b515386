import type { Command } from 'commander';
import type { Action } from '../action.ts';
import { PLAN_FORMATS } from '../formats.ts';

/** `phase plan` */
export function registerPlan(program: Command, action: Action): void {
  program
    .command('plan')
    .description('what a migrate would run, hold and refuse')
    .option('--from <version>', 'plan without a database: all manifests up to it count as applied')
    .option('--to <version>', 'the release to go to (else the configuration, else package.json)')
    .option('--format <format>', PLAN_FORMATS.join(', '), 'text')
    .option('--maintenance', 'nothing is alive: everything in order')
    .option('--out <file>', 'write it to a file')
    .option('--force', 'also in the place of a file that is no plan')
    .option(
      '--prove',
      'run it on an embedded server, held steps early, late and in 20 random orders, and compare the schemas; exit 7 when they differ',
    )
    .option('--seed <n>', 'repeats the random orders of an earlier --prove')
    .addHelpText(
      'after',
      '\nExamples:\n  phase plan --from 1.0.0 --to 1.3.0\n  phase plan --from 1.0.0 --to 1.3.0 --format html --out plan.html',
    )
    .action(action(async (context, command) => (await import('../actions/plan.ts')).runPlan(context, command.opts())));
}
