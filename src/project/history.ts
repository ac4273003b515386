import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { idOfKnexName } from '../domain/knex-name.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { Mapping } from '../domain/mapping.ts';
import type { Move } from '../domain/move.ts';
import { type CarriedObject, isTwinned, type Rename } from '../domain/rename.ts';
import { BOUND_NAMES, isKnownKind, TWINNED_NAMES } from '../objects/registry.ts';
import { hasChecksum } from './checksum.ts';
import { folders, migrationFolder } from './folders.ts';
import { manifestPath, readManifests } from './manifests.ts';
import { fileOf, findMigrations, type MigrationFile, misnamedFiles } from './migrations.ts';
import { changePath, type ProjectChanges, readChanges } from './renames.ts';

/** All that an application's files say about its migrations. */
export interface History extends ProjectChanges {
  readonly root: string;
  readonly manifests: readonly Manifest[];
  readonly files: readonly MigrationFile[];
}

/** Reads manifests, migration files and renames; what the files hold is not looked at yet. */
export async function readHistory(root: string): Promise<History> {
  const [manifests, { renames, mappings, moves }] = await Promise.all([readManifests(root), readChanges(root)]);
  for (const rename of renames.values()) ensureKnownKinds(rename);
  for (const change of [...mappings.values(), ...moves.values()]) ensureKnownDropped(change);
  const files = await findMigrations(
    root,
    manifests.flatMap(({ migrations }) => migrations),
  );
  return { root, manifests, files, renames, mappings, moves };
}

/** @throws PH3005 for what is carried over as what it cannot be: of a kind that there is not, or bound where it has a twin. */
function ensureKnownKinds(change: Rename): void {
  const isKnown = (object: CarriedObject): boolean =>
    (isTwinned(object) ? TWINNED_NAMES : BOUND_NAMES).includes(object.kind);
  const problems = [...change.carried, ...change.refreshed]
    .filter((object) => !isKnown(object))
    .map(
      (object) =>
        `carried: ${object.name} is no ${object.kind} ${isTwinned(object) ? 'that has a twin' : 'that is bound anew'}`,
    );
  if (problems.length > 0) throw new PhaseError('PH3005', { file: changePath(change), problems });
}

/** @throws PH3005 */
function ensureKnownDropped(change: Mapping | Move): void {
  const unknown = change.dropped.filter(({ kind }) => !isKnownKind(kind));
  const problems = unknown.map(({ name, kind }) => `dropped: ${name} is of no kind that is known (${kind})`);
  if (problems.length > 0) throw new PhaseError('PH3005', { file: changePath(change), problems });
}

/**
 * Every file that these manifests list is there and is what they list.
 * @throws PH3001, PH3002, PH3012.
 */
export async function ensureFilesIntact(history: History, manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) {
    const path = manifestPath(manifest.release);
    for (const entry of manifest.migrations) {
      const file = fileOf(history.files, entry);
      if (!file || file.kind !== entry.kind) {
        const { id, kind, file: place } = entry;
        throw new PhaseError('PH3001', {
          id,
          manifest: path,
          folder: migrationFolder(kind),
          ...(place === undefined ? {} : { place }),
        });
      }
      if (!hasChecksum(join(history.root, file.path), entry.sha256)) {
        throw new PhaseError('PH3002', { file: file.path, manifest: path, state: manifest.state });
      }
    }
    for (const source of manifest.sources) {
      if (!hasChecksum(join(history.root, 'db', source.file), source.sha256)) {
        throw new PhaseError('PH3012', { file: join('db', source.file), manifest: path });
      }
    }
  }
}

/** Versions of functions and triggers, and renames, that no manifest lists; relative to `db/`. */
export async function unlistedSources({ root, manifests }: History): Promise<string[]> {
  const listed = new Set(manifests.flatMap((manifest) => manifest.sources.map((source) => source.file)));
  const found = await Promise.all(
    [folders.functions, folders.triggers, folders.renames, folders.changes].map(async (folder) => {
      const names = await readdir(join(root, folder)).catch(() => []);
      return names
        .filter((name) => /_v\d{2,}\.sql$|\.yml$/.test(name))
        .map((name) => relative('db', join(folder, name)));
    }),
  );
  return found
    .flat()
    .filter((file) => !listed.has(file))
    .sort();
}

/** Migration files that no manifest lists: they never run. */
export function unlistedFiles({ files, manifests }: History): MigrationFile[] {
  const listed = listedIds(manifests);
  return files.filter((file) => !listed.has(file.id));
}

/** Files beside those that were taken over from knex, called like migrations, that no manifest lists: knex would run them, and nobody else does. */
export async function newForKnex({ root, manifests, files }: History): Promise<string[]> {
  const elsewhere = manifests.flatMap(({ migrations }) => migrations.flatMap(({ file }) => file ?? []));
  // By id: what was compiled beside its source is the same migration.
  const known = new Set(files.map(({ id }) => id));
  const endings = new Set(elsewhere.map((file) => extname(file)));
  const found = await Promise.all(
    [...new Set(elsewhere.map((file) => dirname(file)))].map(async (folder) =>
      (await readdir(join(root, folder)).catch(() => []))
        .filter((name) => /^\d{8,}[_-]/.test(name) && endings.has(extname(name)) && !/\.d\.[cm]?ts$/.test(name))
        .map((name) => join(folder, name)),
    ),
  );
  return found
    .flat()
    .filter((path) => !known.has(idOfKnexName(basename(path))))
    .sort();
}

/** Files among the migrations whose names do not fit, so that they cannot be entered. */
export function unfitFiles({ root, manifests }: History): Promise<string[]> {
  return misnamedFiles(root, listedIds(manifests));
}

function listedIds(manifests: readonly Manifest[]): Set<string> {
  return new Set(manifests.flatMap((manifest) => manifest.migrations.map((entry) => entry.id)));
}
