import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase rebase`, and the merge driver that git calls. */
export function registerRebase(program: Command, action: Action): void {
  program
    .command('rebase')
    .description(
      "bring the branch's own migrations after those of the base, once that is merged: manifests are put together, also with conflicts in them, and files get later numbers",
    )
    .requiredOption('--base <ref>', 'a commit or a branch, such as origin/main')
    .option('--release <version>', 'for migrations whose release the base has cut')
    .addHelpText('after', '\nExample:\n  phase rebase --base origin/main')
    .action(
      action(async (context, command) => (await import('../actions/rebase.ts')).runRebase(context, command.opts())),
    );
  program
    .command('merge-manifest <base> <ours> <theirs> [path]')
    .description(
      'for git: puts the changes of two branches to a manifest together (phase init --git sets it up); exit 7 for a conflict',
    )
    .addHelpText('after', '\nExample:\n  phase merge-manifest %O %A %B %P')
    .action(action(async (_context, command) => (await import('../actions/rebase.ts')).runMergeManifest(command.args)));
}
