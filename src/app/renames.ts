import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Phase } from '../domain/manifest.ts';
import { asPairs } from '../domain/mapping.ts';
import { compareReleases, manifestRelease, type Release } from '../domain/release.ts';
import { type Rename, wholeOf } from '../domain/rename.ts';
import { findConfigFile } from '../project/find-config.ts';
import { folders } from '../project/folders.ts';
import { readManifests } from '../project/manifests.ts';
import { readChanges } from '../project/renames.ts';
import { applicationRelease } from './release.ts';

/** A rename as one release of the application sees it. */
export interface CurrentRename {
  readonly rename: Rename;
  /** The last phase that this release, or one before it, brings. */
  readonly phase: Phase;
}

/**
 * The renames that have begun by a release of the application, by `db/renames` and the manifests.
 * @param from folder of the project, or one below it.
 * @throws PH1005 when no release is known, PH3005 and PH3006 for files that cannot be used.
 */
export async function currentRenames(from: string, given: Release | undefined): Promise<CurrentRename[]> {
  const configFile = findConfigFile(from);
  const root = configFile === null ? resolve(from) : dirname(configFile);
  const release = await applicationRelease(root, configFile, given);
  const [manifests, { renames, mappings }] = await Promise.all([readManifests(root), readChanges(root)]);
  if (manifests.length === 0) warnOfNoManifests(root);
  const own = manifestRelease(
    release,
    manifests.map((manifest) => manifest.release),
  );
  const brought = manifests.filter((manifest) => compareReleases(manifest.release, own) <= 0);
  return [...renames.values(), ...[...mappings.values()].flatMap(asPairs)].flatMap((rename) => {
    const phases = brought
      .flatMap(({ migrations }) => migrations)
      .filter((entry) => entry.rename === wholeOf(rename))
      .map(({ phase }) => phase ?? 0);
    const phase = Math.max(0, ...phases) as Phase | 0;
    return phase === 0 ? [] : [{ rename, phase }];
  });
}

/** A project without any has its folder all the same; an image may have been built without it. */
function warnOfNoManifests(root: string): void {
  if (existsSync(join(root, folders.releases))) return;
  process.emitWarning(
    `There is no ${folders.releases} in ${root}: ship ${folders.releases} and ${folders.renames} with the application, or give withRenames its root.`,
    { type: 'Warning', code: 'PHASE_NO_MANIFESTS' },
  );
}
