import { readFile, writeFile } from 'node:fs/promises';
import { parseRelease } from '../../domain/release.ts';
import { mergeManifests } from '../../project/merge-manifests.ts';
import { enterTouches } from '../../replay/enter-touches.ts';
import { rebase } from '../../wizard/rebase/rebase.ts';
import type { CommandContext } from '../context.ts';
import { dumpAgain } from '../dump-again.ts';
import type { Result } from '../output.ts';

export async function runRebase(
  context: CommandContext,
  { base, release }: { base: string; release?: string },
): Promise<Result> {
  const project = await context.openProject();
  const { files, renamed } = await rebase(project.root, {
    base,
    release: release === undefined ? null : parseRelease(release),
  });
  const entered = await enterTouches(project, context.shadowUrl(project));
  const structure = await dumpAgain(context, project.root);
  const all = [...new Set([...files, ...entered.files, ...structure])].sort();
  const lines = [...renamed.map(({ from, to }) => `renamed ${from} to ${to}`), ...all.map((path) => `wrote ${path}`)];
  const next = all.length === 0 ? [] : ['git add db, and go on with the merge'];
  return {
    document: { files: all, renamed },
    text: [...lines, ...next].join('\n') || 'there is nothing to bring after the base',
  };
}

/** git gives three files, and takes what stands in the second one afterwards; another exit code than 0 is a conflict. */
export async function runMergeManifest([
  base = '',
  ours = '',
  theirs = '',
  path = ours,
]: readonly string[]): Promise<Result> {
  const [before, own, other] = await Promise.all([base, ours, theirs].map((file) => readFile(file, 'utf8')));
  const { text, conflicts } = mergeManifests(path, before ?? null, own ?? '', other ?? '');
  if (conflicts.length === 0) await writeFile(ours, text);
  return { document: { conflicts }, text: conflicts.join('\n'), exitCode: conflicts.length === 0 ? 0 : 7 };
}
