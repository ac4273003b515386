import { PhaseError } from '../../domain/errors/phase-error.ts';
import { parseRelease, type Release } from '../../domain/release.ts';
import { type History, readHistory } from '../../project/history.ts';
import { table } from '../../report/table.ts';
import { cut } from '../../wizard/cut.ts';
import { retarget } from '../../wizard/retarget.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import type { Result } from '../output.ts';

export async function listReleases(context: CommandContext): Promise<Result> {
  return listing(await readHistory((await context.openProject()).root));
}

export async function cutRelease(context: CommandContext, version: string): Promise<Result> {
  const project = await context.openProject();
  const { root } = project;
  const release = parseRelease(version);
  await cut(project, await readHistory(root), release);
  const history = await readHistory(root);
  noticeUnknown(context, history, release);
  return listing(history);
}

interface RetargetFlags {
  phase?: string;
  release?: string;
}

export async function runRetarget(context: CommandContext, rename: string, flags: RetargetFlags): Promise<Result> {
  const { root } = await context.openProject();
  if (flags.phase === undefined) throw new PhaseError('PH1004', { question: 'Which phase?', flag: '--phase' });
  if (flags.release === undefined) throw new PhaseError('PH1004', { question: 'To which release?', flag: '--release' });
  const phase = ([1, 2, 3] as const).find((number) => String(number) === flags.phase);
  if (!phase) throw new PhaseError('PH1015', { what: '--phase', value: flags.phase, allowed: '1, 2 or 3' });
  const files = await retarget(await readHistory(root), { rename, phase, release: parseRelease(flags.release) });
  const { document, text } = listing(await readHistory(root));
  return { document: { ...document, files }, text };
}

/** From now on it stays unknown. */
function noticeUnknown({ output }: CommandContext, { manifests }: History, release: Release): void {
  const migrations = manifests.find((manifest) => manifest.release === release)?.migrations ?? [];
  const unknown = migrations.filter(({ touches }) => touches === undefined).map(({ id }) => id);
  if (unknown.length === 0) return;
  output.notice(
    `Which tables these touch is not known (phase hash, before the cut, observes it), so that nothing can pass them where a step is held: ${unknown.join(', ')}`,
  );
}

function listing({ manifests }: History): Result {
  const releases = manifests.map(({ release, state, migrations }) => ({
    release,
    state,
    migrations: migrations.map(({ id }) => id),
  }));
  const rows = releases.map(({ release, state, migrations }) => [
    release,
    state,
    count(migrations.length, 'migration'),
  ]);
  return { document: { releases }, text: rows.length === 0 ? 'There is no manifest yet.' : table(rows) };
}
