import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { MigrationKind } from '../domain/manifest.ts';
import { timestamp } from '../planner/rename/plan.ts';
import { changeManifest } from '../project/change-manifest.ts';
import { checksum } from '../project/checksum.ts';
import type { Project } from '../project/config.ts';
import { writeFiles } from '../project/files.ts';
import { folders, migrationFolder, versionFile } from '../project/folders.ts';
import { readHistory } from '../project/history.ts';
import { ensureOpen } from '../project/release-files.ts';
import { currentRelease } from '../project/target-release.ts';
import { lastVersion, type VersionedKind } from '../project/versions.ts';
import { render } from '../scaffold/templates.ts';

/** A file of an application to begin, by its name. */
interface NewFile {
  readonly name: string;
  /** The release that it goes into, as it was given. */
  readonly release: string | undefined;
}

/**
 * Begins a temporary task, which belongs to no release: it stands in no manifest and is run by hand.
 * @returns the paths of what was written. @throws PH1015, PH1011.
 */
export async function newTask(project: Project, name: string): Promise<string[]> {
  const path = join(folders.tasks, `${ensureWord('task', name)}.ts`);
  await writeFiles(project.root, [{ path, content: render('migration/task.ts', { name }), mode: 'create' }]);
  return [path];
}

/**
 * Begins a migration, and lists it in the manifest of its release.
 * @returns the paths of what was written. @throws PH1015, PH1011, and what keeps a release from being open.
 */
export async function newMigration(
  project: Project,
  kind: MigrationKind,
  { name, release: given, sql }: NewFile & { readonly sql: boolean },
): Promise<string[]> {
  ensureWord(kind, name);
  const release = ensureOpen(await readHistory(project.root), currentRelease(project, given));
  const id = `${timestamp(new Date(), 0)}_${name}`;
  const path = join(migrationFolder(kind), `${id}.${sql ? 'sql' : 'ts'}`);
  const content = render(sql ? 'migration/plain.sql' : `migration/${kind}.ts`, {});
  const entry = { id, kind, sha256: checksum(content) };
  const manifest = await changeManifest(project.root, { release, add: [entry] });
  await writeFiles(project.root, [{ path, content, mode: 'create' }, manifest]);
  return [path, manifest.path];
}

/**
 * Begins the next version of a function or trigger: a copy of the last one, or the first of all.
 * @returns the paths of what was written. @throws PH1004 for the first trigger of a name without its table, and as `newMigration` does.
 */
export async function newVersion(
  project: Project,
  kind: VersionedKind,
  { name, release: given, on }: NewFile & { readonly on: string | undefined },
): Promise<string[]> {
  ensureWord(kind, name);
  const release = ensureOpen(await readHistory(project.root), currentRelease(project, given));
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
  return [path, manifest.path];
}

/** A name that can stand in a file's name. */
export function ensureWord(kind: string, name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}$/.test(name)) return name;
  throw new PhaseError('PH1015', {
    what: `The name of a ${kind}`,
    value: name,
    allowed: 'letters, digits, _, . and -',
  });
}
