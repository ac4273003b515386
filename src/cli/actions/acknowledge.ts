import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { acknowledgeObject } from '../../runner/acknowledge.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function acknowledge(context: CommandContext, command: Command): Promise<Result> {
  const { why = '' } = command.opts<{ why?: string }>();
  if (why.trim() === '') throw new PhaseError('PH1004', { question: 'Why?', flag: '--why' });
  const [rename = '', object = ''] = command.args;
  const { by, at } = await acknowledgeObject(await context.runner(), { rename, object, why });
  return { document: { id: object, by, at }, text: `${object} holds up ${rename} no more` };
}
