import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { acknowledgeObject } from '../../runner/acknowledge.ts';
import type { Action } from '../action.ts';

/** `phase acknowledge` */
export function registerAcknowledge(program: Command, action: Action): void {
  program
    .command('acknowledge <rename> <object>')
    .description('that somebody has looked at what a gate of a rename names, and that it need not be carried over')
    .option('--why <reason>', 'the reason, which the ledger keeps')
    .addHelpText(
      'after',
      `\nExample:\n  phase acknowledge users_email_to_addr 'index "old_report"' --why 'dropped in the next release'`,
    )
    .action(
      action(async (context, command) => {
        const { why = '' } = command.opts<{ why?: string }>();
        if (why.trim() === '') throw new PhaseError('PH1004', { question: 'Why?', flag: '--why' });
        const [rename = '', object = ''] = command.args;
        const { by, at } = await acknowledgeObject(await context.runner(), { rename, object, why });
        return { document: { id: object, by, at }, text: `${object} holds up ${rename} no more` };
      }),
    );
}
