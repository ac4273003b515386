import type { Command } from 'commander';
import type { Action } from '../action.ts';
import { STATUS_FORMATS } from '../formats.ts';

/** `phase status` */
export function registerStatus(program: Command, action: Action): void {
  program
    .command('status')
    .description('what is applied, pending and held, and how each rename stands')
    .option('--exit-code', 'exit 3 with anything pending or held')
    .option('--all', 'in the text also what is long applied; JSON always has it')
    .option('--count', 'count mismatches now')
    .option('--format <format>', STATUS_FORMATS.join(', '), 'text')
    .option('--watch', 'again every two seconds, until interrupted')
    .option('--release <version>', 'what counts as due (else the configuration, else package.json)')
    .addHelpText(
      'after',
      '\nExamples:\n  phase status --exit-code\n  phase status --format openmetrics > /var/lib/node_exporter/triphase.prom',
    )
    .action(
      action(async (context, command) => (await import('../actions/status.ts')).runStatus(context, command.opts())),
    );
}
