import type { Command } from 'commander';
import { readHistory } from '../../project/history.ts';
import { hashFiles } from '../../project/release-files.ts';
import { type EnteredTouches, enterTouches } from '../../replay/enter-touches.ts';
import type { Action } from '../action.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

/** `phase hash` */
export function registerHash(program: Command, action: Action): void {
  program
    .command('hash')
    .description(
      'enter new files into the open manifest of the current release, bring checksums up to date, and observe which tables the migrations touch',
    )
    .option('--no-replay', 'do not run the migrations on an embedded server: what they touch stays unknown')
    .addHelpText('after', '\nExample:\n  phase hash')
    .action(action((context, command) => runHash(context, command.opts<{ replay: boolean }>().replay)));
}

async function runHash(context: CommandContext, replay: boolean): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const hashed = await hashFiles(history, project.config.release ?? project.packageRelease);
  const entered = replay ? await enterTouches(project, context.shadowUrl(project)) : null;
  if (entered !== null) noticeUnknown(context, entered);
  const files = [...new Set([...hashed, ...(entered?.files ?? [])])].sort();
  const text = files.length === 0 ? 'Every checksum is up to date.' : files.map((path) => `updated ${path}`).join('\n');
  return { document: { files, observed: entered?.observed ?? [], unknown: entered?.unknown ?? [] }, text };
}

function noticeUnknown({ output }: CommandContext, { unknown, reason }: EnteredTouches): void {
  if (reason === null) return;
  output.notice(
    `What these touch is not known, so that nothing passes them where a step is held: ${unknown.join(', ')}.\n` +
      `  The replay ended: ${reason.code} ${reason.message} ${reason.why}`,
  );
}
