import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { acknowledgeObject } from '../../runner/acknowledge.ts';
import { approve } from '../../runner/approvals.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function acknowledge(context: CommandContext, command: Command): Promise<Result> {
  const { why = '' } = command.opts<{ why?: string }>();
  if (why.trim() === '') throw new PhaseError('PH1004', { question: 'Why?', flag: '--why' });
  const [rename = '', object = ''] = command.args;
  const { by, at } = await acknowledgeObject(await context.runner(), { rename, object, why });
  return { document: { id: object, by, at }, text: `${object} holds up ${rename} no more` };
}

export async function runApprove(context: CommandContext, command: Command): Promise<Result> {
  const [id = ''] = command.args;
  const { by, at, authors } = await approve(await context.runner(), id, command.opts<{ by?: string }>().by ?? null);
  return { document: { id, by, at, authors }, text: `${by} has approved ${id}` };
}
