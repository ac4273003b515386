import { readHistory } from '../../project/history.ts';
import { hashFiles } from '../../project/release-files.ts';
import { currentRelease } from '../../project/target-release.ts';
import { type EnteredTouches, enterTouches } from '../../replay/enter-touches.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

export async function runHash(context: CommandContext, { replay }: { replay: boolean }): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const hashed = await hashFiles(history, currentRelease(project));
  const entered = replay ? await enterTouches(project, context.shadowUrl(project)) : null;
  if (entered !== null) noticeUnknown(context, entered);
  const files = [...new Set([...hashed, ...(entered?.files ?? [])])].sort();
  const text =
    files.length === 0
      ? 'Every checksum is up to date.'
      : [...new Set(files)].map((path) => `updated ${path}`).join('\n');
  return { document: { files, observed: entered?.observed ?? [], unknown: entered?.unknown ?? [] }, text };
}

function noticeUnknown({ output }: CommandContext, { unknown, reason }: EnteredTouches): void {
  if (reason === null) return;
  output.notice(
    `What these touch is not known, so that nothing passes them where a step is held: ${unknown.join(', ')}.\n` +
      `  The replay ended: ${reason.code} ${reason.message} ${reason.why}`,
  );
}
