import type { Command } from 'commander';
import { parseDuration } from '../../project/duration.ts';
import { targetRelease } from '../../runner/prepare.ts';
import { waitFor } from '../../runner/wait.ts';
import type { Action } from '../action.ts';

/** `phase wait` */
export function registerWait(program: Command, action: Action): void {
  program
    .command('wait')
    .description('until a release can start on this database: for init containers; reads only')
    .option('--release <version>', 'the release (else the configuration, else package.json)')
    .option('--timeout <duration>', 'how long', '60')
    .addHelpText('after', '\nExample:\n  phase wait --release 1.2.0 --timeout 300')
    .action(
      action(async (context, command) => {
        const flags = command.opts<{ release?: string; timeout: string }>();
        const project = await context.openProject();
        const { ready, missing, unreachable } = await waitFor({
          project,
          url: context.databaseUrl(project),
          release: targetRelease(project, flags.release),
          timeoutMs: parseDuration('--timeout', flags.timeout),
          onWait: (what) => context.output.notice(what),
        });
        const reason = unreachable === null ? `missing: ${missing.join(', ')}` : unreachable.message;
        return {
          document: { ready, missing, ...(unreachable === null ? {} : { unreachable: unreachable.message }) },
          text: ready ? 'ready' : `not ready; ${reason}`,
          exitCode: ready ? 0 : 3,
        };
      }),
    );
}
