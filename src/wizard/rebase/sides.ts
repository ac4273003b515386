import { existsSync, readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Manifest, ManifestEntry } from '../../domain/manifest.ts';
import type { Release } from '../../domain/release.ts';
import { folders, migrationFolder } from '../../project/folders.ts';
import { fileInGit, filesInCommit } from '../../project/git.ts';
import { sidesOf } from '../../project/git-sides.ts';
import { parseManifest } from '../../project/manifests.ts';
import { EXTENSIONS } from '../../project/migrations.ts';

/** A manifest's entry with the release that it is in. */
export interface Own {
  readonly release: Release;
  readonly entry: ManifestEntry;
}

/** A manifest as the base has it. */
export interface BaseManifest {
  readonly path: string;
  readonly text: string;
  readonly manifest: Manifest;
}

/** The manifests of the base. @throws PH1036 for one that git does not know. */
export function readBase(root: string, base: string): BaseManifest[] {
  const files = filesInCommit(root, base, folders.releases);
  if (files === null)
    throw new PhaseError('PH1036', {
      source: `git:${base}`,
      reason: 'git does not know this commit here: fetch it first.',
    });
  return files
    .filter((file) => /\.ya?ml$/i.test(file))
    .map((path) => {
      const text = fileInGit(root, base, path) ?? '';
      return { path, text, manifest: parseManifest(path, text) };
    });
}

/** Of a base that is not merged yet there would be manifests without files. @throws PH1039 */
export function ensureMerged(root: string, base: string, bases: readonly BaseManifest[]): void {
  const idsIn = (folder: string): Set<string> => {
    const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : [];
    return new Set(names.filter((name) => EXTENSIONS.test(name)).map((name) => name.replace(EXTENSIONS, '')));
  };
  const here = { schema: idsIn(migrationFolder('schema')), data: idsIn(migrationFolder('data')) };
  const isThere = ({ id, kind, file }: ManifestEntry): boolean =>
    file === undefined ? here[kind].has(id) : existsSync(join(root, file));
  const missing = bases.flatMap(({ manifest }) => manifest.migrations.filter((one) => !isThere(one)));
  if (missing.length > 0) throw new PhaseError('PH1039', { base, ids: missing.map(({ id }) => id) });
}

/** The manifests here, of both sides where git has left conflicts. */
export async function readBoth(root: string): Promise<(Manifest & { readonly text: string })[]> {
  const names = await readdir(join(root, folders.releases)).catch(() => []);
  const found: (Manifest & { readonly text: string })[] = [];
  for (const name of names.filter((one) => /\.ya?ml$/i.test(one))) {
    const path = join(folders.releases, name);
    const { ours, theirs, hasConflict } = sidesOf(await readFile(join(root, path), 'utf8'));
    found.push({ ...parseManifest(path, ours), text: ours });
    if (hasConflict) found.push({ ...parseManifest(path, theirs), text: theirs });
  }
  return found;
}
