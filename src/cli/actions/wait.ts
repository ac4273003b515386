import type { Command } from 'commander';
import { parseDuration } from '../../project/duration.ts';
import { targetRelease } from '../../project/target-release.ts';
import { waitFor } from '../../runner/wait.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function wait(context: CommandContext, command: Command): Promise<Result> {
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
}
