import type { Command } from 'commander';
import { rollback } from '../../api/runs.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { CommandContext } from '../context.ts';
import { partOf } from '../interrupted.ts';
import type { Result } from '../output.ts';

export async function undo(context: CommandContext, command: Command): Promise<Result> {
  const flags = command.opts<{ steps: string; to?: string }>();
  if (!/^[1-9]\d*$/.test(flags.steps)) {
    throw new PhaseError('PH1015', { what: '--steps', value: flags.steps, allowed: 'a number from 1' });
  }
  const options = { ...(await context.project()), steps: Number(flags.steps), to: flags.to };
  const { result, error } = await partOf(() => rollback(options));
  const { reverted } = result;
  const text = reverted.length === 0 ? 'nothing to undo' : reverted.map((id) => `undone ${id}`).join('\n');
  return { document: result, text, error };
}
