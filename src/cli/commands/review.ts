import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase review` and `phase environments`: what a workflow asks. */
export function registerReview(program: Command, action: Action): void {
  program
    .command('review')
    .description('check, diff, verify and plan of a branch as one comment in Markdown; exit 7 where something is wrong')
    .requiredOption('--base <ref>', 'what it is to be merged into, such as origin/main')
    .option('--post <place>', 'github: write it into the pull request, over the comment that is there')
    .addHelpText('after', '\nExample:\n  phase review --base origin/main')
    .action(
      action(async (context, command) => (await import('../actions/review.ts')).runReview(context, command.opts())),
    );
  program
    .command('environments')
    .description('the databases that the configuration names')
    .option('--branch <name>', 'those that a branch stands for')
    .addHelpText('after', '\nExample:\n  phase environments --branch main --json')
    .action(
      action(async (context, command) =>
        (await import('../actions/environments.ts')).runEnvironments(context, command.opts()),
      ),
    );
}
