import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Change, changesOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Manifest, ManifestSource } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { onErrorOf, type RenameSync, syncFunctions, syncTriggers } from '../domain/rename.ts';
import { orderMigrations } from '../planner/order.ts';
import { writeFiles } from '../project/files.ts';
import { ensureFilesIntact } from '../project/history.ts';
import { manifestPath } from '../project/manifests.ts';
import { fileOf } from '../project/migrations.ts';
import { baselineFiles, readBaseline } from './baseline.ts';
import { type Surroundings, stepsOf, withSteps } from './open.ts';

export interface Squashed {
  /** What was written. */
  readonly files: readonly string[];
  /** What is not there any more. */
  readonly deleted: readonly string[];
  readonly replaces: readonly string[];
}

/**
 * Puts a baseline in the place of all migrations up to a release: databases that have all of these go on as they are, and fresh ones begin from it. What it
 * gives is compared with what they gave before anything is written.
 * @throws PH1013, PH2029, what the migrations throw.
 */
export async function squash(surroundings: Surroundings, upTo: Release): Promise<Squashed> {
  const { project, history } = surroundings;
  const manifests = ensureSquashable(history.manifests, upTo);
  await ensureFilesIntact(history, manifests);
  const steps = stepsOf({ history, release: upTo });
  const baseline = await withSteps(surroundings, steps, ({ database }) => readBaseline(surroundings, upTo, database));
  const replaces = manifests.flatMap(({ migrations }) => migrations.map(({ id }) => id));
  const earlier = manifests.flatMap(({ migrations, replaces: before, earlier: first = [] }) =>
    before === undefined ? [] : [...first, { ids: migrations.map(({ id }) => id), replaces: before }],
  );
  const stamp = steps.at(-1)?.id.match(/^\d+/)?.[0] ?? '00000000000000';
  const sources = newestVersions(manifests, changesOf(history).values());
  const by = 'phase squash. A database that has them does not run it';
  const changes = baselineFiles(upTo, stamp, baseline, { by, sources, replaces, earlier });
  const deleted = gone(surroundings, manifests, [...changes.map(({ path }) => path), ...sources.map(pathOf)]);
  await writeFiles(project.root, changes, deleted);
  return { files: changes.map(({ path }) => path), deleted, replaces };
}

/** @throws PH1013, PH2029 */
function ensureSquashable(manifests: readonly Manifest[], upTo: Release): Manifest[] {
  const found = manifests.filter(({ release }) => compareReleases(release, upTo) <= 0);
  if (!found.some(({ release }) => release === upTo))
    throw new PhaseError('PH1013', { release: upTo, known: manifests.map(({ release }) => release) });
  const refuse = (reason: string, remedy: string): never => {
    throw new PhaseError('PH2029', { release: upTo, reason, remedy });
  };
  const open = found.filter(({ state }) => state === 'open').map(({ release }) => release);
  if (open.length > 0)
    refuse(
      `${open.join(', ')} is still open, and no database has to have it.`,
      'Squash up to a release that is cut, and that every living database has.',
    );
  const later = manifests.filter((manifest) => !found.includes(manifest));
  const inside = new Set(found.flatMap(({ migrations }) => migrations.flatMap(({ rename }) => rename ?? [])));
  const across = later.flatMap(({ migrations }) =>
    migrations.flatMap(({ rename }) => (rename !== undefined && inside.has(rename) ? [rename] : [])),
  );
  const [rename] = across;
  if (rename !== undefined)
    refuse(
      `The rename ${rename} begins before its end, and ends after it.`,
      'Squash up to a release before its first phase, or from its last one on.',
    );
  const ids = new Set(found.flatMap(({ migrations }) => migrations.map(({ id }) => id)));
  const twice = later.flatMap(({ migrations }) => migrations.filter(({ id }) => ids.has(id)).map(({ id }) => id));
  if (twice.length > 0) refuse(`${twice.join(', ')} stands in a later release, too.`, 'Squash up to that release.');
  if (found.length === 1 && found[0]?.replaces !== undefined)
    refuse('It is a baseline already.', 'There is nothing to squash.');
  return found;
}

const pathOf = ({ file }: Pick<ManifestSource, 'file'>): string => join('db', file);

/** Of functions and triggers: the next version is made from the last one. What keeps the columns of renames in step has gone with these. */
function newestVersions(manifests: readonly Manifest[], renames: Iterable<Change>): ManifestSource[] {
  const ofRenames = new Set([...renames].flatMap((change) => [...onErrorOf(change), ...syncNames(change.sync)]));
  const newest = new Map<string, { readonly version: number; readonly source: ManifestSource }>();
  for (const source of manifests.flatMap(({ sources }) => sources)) {
    const [, folder, name, digits] = /^(functions|triggers)\/(.+)_v(\d{2,})\.sql$/.exec(source.file) ?? [];
    const version = Number(digits);
    if (name === undefined || ofRenames.has(name)) continue;
    const known = newest.get(`${folder}/${name}`);
    if (known === undefined || version > known.version) newest.set(`${folder}/${name}`, { version, source });
  }
  return [...newest.values()].map(({ source }) => source);
}

const syncNames = (sync: RenameSync): string[] =>
  ([1, 2] as const).flatMap((phase) => [...syncFunctions(sync, phase), ...syncTriggers(sync, phase)]);

/** Files of what is replaced; what was taken over from another tool stays where that has it. */
function gone({ project, history }: Surroundings, manifests: readonly Manifest[], kept: readonly string[]): string[] {
  const later = history.manifests.filter((one) => !manifests.includes(one));
  const stays = new Set([...kept, ...later.flatMap(({ sources }) => sources.map(pathOf))]);
  const migrations = orderMigrations(manifests).flatMap((entry) =>
    entry.file === undefined ? (fileOf(history.files, entry)?.path ?? []) : [],
  );
  const paths = [
    ...migrations,
    ...manifests.flatMap(({ sources }) => sources.map(pathOf)),
    ...manifests.map(({ release }) => manifestPath(release)),
  ];
  return [...new Set(paths)].filter((path) => !stays.has(path) && existsSync(join(project.root, path)));
}
