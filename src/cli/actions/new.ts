import type { Command } from 'commander';
import type { MigrationKind } from '../../domain/manifest.ts';
import type { VersionedKind } from '../../project/versions.ts';
import * as begin from '../../wizard/new-file.ts';
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

/** @param isHashed whether a manifest has the checksum of a file that is still to be filled in. */
function written(files: string[], isHashed: boolean): Result {
  const next = isHashed ? [`write ${files[0]}, then phase hash`] : [];
  return { document: { files }, text: [...files.map((path) => `wrote ${path}`), ...next].join('\n') };
}
