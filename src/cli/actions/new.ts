import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { MigrationKind } from '../../domain/manifest.ts';
import { parseRelease } from '../../domain/release.ts';
import { timestamp } from '../../planner/rename/plan.ts';
import { checksum } from '../../project/checksum.ts';
import { writeFiles } from '../../project/files.ts';
import { folders, migrationFolder, versionFile } from '../../project/folders.ts';
import { readHistory } from '../../project/history.ts';
import { changeManifest } from '../../project/manifests.ts';
import { ensureOpen } from '../../project/release-files.ts';
import { lastVersion, type VersionedKind } from '../../project/versions.ts';
import { render } from '../../scaffold/templates.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

interface NewFlags {
  release?: string;
  sql?: boolean;
  on?: string;
}

/** A task belongs to no release: it stands in no manifest and is run by hand. */
export async function newTask(context: CommandContext, command: Command): Promise<Result> {
  const name = ensureWord('task', command.args[0] ?? '');
  const project = await context.openProject();
  const path = join(folders.tasks, `${name}.ts`);
  await writeFiles(project.root, [{ path, content: render('migration/task.ts', { name }), mode: 'create' }]);
  return written([path]);
}

export async function newMigration(context: CommandContext, kind: MigrationKind, command: Command): Promise<Result> {
  const { release: given, sql } = command.opts<NewFlags>();
  const name = ensureWord(kind, command.args[0] ?? '');
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const release = ensureOpen(
    history,
    given === undefined ? (project.config.release ?? project.packageRelease) : parseRelease(given),
  );
  const id = `${timestamp(new Date(), 0)}_${name}`;
  const path = join(migrationFolder(kind), `${id}.${sql ? 'sql' : 'ts'}`);
  const content = render(sql ? 'migration/plain.sql' : `migration/${kind}.ts`, {});
  const entry = { id, kind, sha256: checksum(content) };
  const manifest = await changeManifest(project.root, { release, add: [entry] });
  await writeFiles(project.root, [{ path, content, mode: 'create' }, manifest]);
  return written([path, manifest.path]);
}

export async function newVersion(context: CommandContext, kind: VersionedKind, command: Command): Promise<Result> {
  const { release: given, on } = command.opts<NewFlags>();
  const name = ensureWord(kind, command.args[0] ?? '');
  const project = await context.openProject();
  const history = await readHistory(project.root);
  const release = ensureOpen(
    history,
    given === undefined ? (project.config.release ?? project.packageRelease) : parseRelease(given),
  );
  const last = await lastVersion(project.root, kind, name);
  if (last === 0 && kind === 'trigger' && on === undefined) {
    throw new PhaseError('PH1004', { question: 'Which table is the trigger on?', flag: '--on' });
  }
  const path = versionFile(kind, name, last + 1);
  const content =
    last === 0
      ? render(`migration/${kind}.sql`, { name, table: on ?? '', function: name })
      : await readFile(join(project.root, versionFile(kind, name, last)), 'utf8');
  const source = { file: path.replace(/^db\//, ''), sha256: checksum(content) };
  const manifest = await changeManifest(project.root, { release, addSources: [source] });
  await writeFiles(project.root, [{ path, content, mode: 'create' }, manifest]);
  return written([path, manifest.path]);
}

function written(files: string[]): Result {
  return { document: { files }, text: files.map((path) => `wrote ${path}`).join('\n') };
}

/** A name that can stand in a file's name. */
function ensureWord(kind: string, name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}$/.test(name)) return name;
  throw new PhaseError('PH1015', {
    what: `The name of a ${kind}`,
    value: name,
    allowed: 'letters, digits, _, . and -',
  });
}
