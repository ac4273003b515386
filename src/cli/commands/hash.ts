import type { Command } from 'commander';
import { readHistory } from '../../project/history.ts';
import { hashFiles } from '../../project/release-files.ts';
import type { Action } from '../action.ts';

/** `phase hash` */
export function registerHash(program: Command, action: Action): void {
  program
    .command('hash')
    .description('enter new files into the open manifest of the current release, and bring checksums up to date')
    .addHelpText('after', '\nExample:\n  phase hash')
    .action(
      action(async (context) => {
        const project = await context.openProject();
        const history = await readHistory(project.root);
        const files = await hashFiles(history, project.config.release ?? project.packageRelease);
        return {
          document: { files },
          text:
            files.length === 0 ? 'Every checksum is up to date.' : files.map((path) => `updated ${path}`).join('\n'),
        };
      }),
    );
}
