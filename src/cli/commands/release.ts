import type { Command } from 'commander';
import { parseRelease } from '../../domain/release.ts';
import { type History, readHistory } from '../../project/history.ts';
import { cutRelease } from '../../project/release-files.ts';
import type { Action } from '../action.ts';
import { type Result, table } from '../output.ts';

/** `phase release list|cut` */
export function registerRelease(program: Command, action: Action): void {
  const release = program.command('release').description('look at releases, and cut them');
  release
    .command('list')
    .description('every release with a manifest')
    .addHelpText('after', '\nExample:\n  phase release list')
    .action(action(async (context) => listing(await readHistory((await context.openProject()).root))));
  release
    .command('cut <version>')
    .description('freeze the manifest of a release: it never changes again')
    .addHelpText('after', '\nExample:\n  phase release cut 1.1.0')
    .action(
      action(async (context, command) => {
        const { root } = await context.openProject();
        await cutRelease(await readHistory(root), parseRelease(command.args[0] ?? ''));
        return listing(await readHistory(root));
      }),
    );
}

function listing({ manifests }: History): Result {
  const releases = manifests.map(({ release, state, migrations }) => ({
    release,
    state,
    migrations: migrations.map(({ id }) => id),
  }));
  const rows = releases.map(({ release, state, migrations }) => [release, state, `${migrations.length} migrations`]);
  return { document: { releases }, text: rows.length === 0 ? 'There is no manifest yet.' : table(rows) };
}
