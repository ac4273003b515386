import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase release list|cut|retarget` */
export function registerRelease(program: Command, action: Action): void {
  const release = program.command('release').description('look at releases, cut them, and move phases between them');
  release
    .command('list')
    .description('every release with a manifest')
    .addHelpText('after', '\nExample:\n  phase release list')
    .action(action(async (context) => (await import('../actions/release.ts')).listReleases(context)));
  release
    .command('cut <version>')
    .description('freeze the manifest of a release: it never changes again')
    .addHelpText('after', '\nExample:\n  phase release cut 1.1.0')
    .action(
      action(async (context, command) =>
        (await import('../actions/release.ts')).cutRelease(context, command.args[0] ?? ''),
      ),
    );
  release
    .command('retarget <rename>')
    .description('move a phase of a rename that is not released to another open release')
    .option('--phase <n>', '1, 2 or 3')
    .option('--release <version>', 'the release to move it to; between those of the neighbouring phases')
    .addHelpText('after', '\nExample:\n  phase release retarget users_email_to_email_address --phase 2 --release 1.4.0')
    .action(
      action(async (context, command) =>
        (await import('../actions/release.ts')).runRetarget(context, command.args[0] ?? '', command.opts()),
      ),
    );
}
