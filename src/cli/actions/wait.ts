import type { Command } from 'commander';
import { wait as waitFor } from '../../api/wait.ts';
import { parseDuration } from '../../project/duration.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function wait(context: CommandContext, command: Command): Promise<Result> {
  const flags = command.opts<{ release?: string; timeout: string }>();
  parseDuration('--timeout', flags.timeout);
  const { ready, missing, unreachable } = await waitFor({ ...(await context.project()), ...flags });
  const reason = unreachable === null ? `missing: ${missing.join(', ')}` : unreachable.message;
  return {
    document: { ready, missing, ...(unreachable === null ? {} : { unreachable: unreachable.message }) },
    text: ready ? 'ready' : `not ready; ${reason}`,
    exitCode: ready ? 0 : 3,
  };
}
