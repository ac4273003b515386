import type { Command } from 'commander';
import type { MigrationKind } from '../../domain/manifest.ts';
import { writeFiles } from '../../project/files.ts';
import { readHistory } from '../../project/history.ts';
import { ensureOpen } from '../../project/release-files.ts';
import { currentRelease } from '../../project/target-release.ts';
import type { VersionedKind } from '../../project/versions.ts';
import { enterTouches } from '../../replay/enter-touches.ts';
import * as begin from '../../wizard/new-file.ts';
import { draftRevert } from '../../wizard/revert.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

interface NewFlags {
  release?: string;
  sql?: boolean;
  on?: string;
}

export async function newTask(context: CommandContext, { args: [name = ''] }: Command): Promise<Result> {
  return written(await begin.newTask(await context.openProject(), name), false);
}

export async function newMigration(context: CommandContext, kind: MigrationKind, command: Command): Promise<Result> {
  const { release, sql = false } = command.opts<NewFlags>();
  const [name = ''] = command.args;
  return written(await begin.newMigration(await context.openProject(), kind, { name, release, sql }), true);
}

export async function newVersion(context: CommandContext, kind: VersionedKind, command: Command): Promise<Result> {
  const { release, on } = command.opts<NewFlags>();
  const [name = ''] = command.args;
  return written(await begin.newVersion(await context.openProject(), kind, { name, release, on }), true);
}

export async function newRevert(context: CommandContext, command: Command): Promise<Result> {
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const release = ensureOpen(history, currentRelease(project, command.opts<NewFlags>().release));
  const changes = await draftRevert(history, command.args[0] ?? '', { release, now: new Date() });
  await writeFiles(project.root, changes);
  await enterTouches(project, context.shadowUrl(project));
  const files = changes.map(({ path }) => path);
  const lines = [...files.map((path) => `wrote ${path}`), `read ${files[0]} before it is committed`];
  return { document: { files }, text: lines.join('\n') };
}

/** @param isHashed whether a manifest has the checksum of a file that is still to be filled in. */
function written(files: string[], isHashed: boolean): Result {
  const next = isHashed ? [`write ${files[0]}, then phase hash`] : [];
  return { document: { files }, text: [...files.map((path) => `wrote ${path}`), ...next].join('\n') };
}
