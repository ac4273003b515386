import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Phase } from '../domain/manifest.ts';
import { compareReleases, manifestRelease, parseRelease, type Release } from '../domain/release.ts';
import type { Rename } from '../domain/rename.ts';
import { openProject } from '../project/config.ts';
import { folders } from '../project/folders.ts';
import { readManifests } from '../project/manifests.ts';
import { readRenames } from '../project/renames.ts';

/** A rename as one release of the application sees it. */
export interface CurrentRename {
  readonly rename: Rename;
  /** The last phase that this release, or one before it, brings. */
  readonly phase: Phase;
}

/**
 * The renames that have begun by a release of the application, by `db/renames` and the manifests.
 * @param root folder of the project, or one below it.
 * @throws PH1005 when no release is known, PH3005 and PH3006 for files that cannot be used.
 */
export async function currentRenames(root: string, given: Release | undefined): Promise<CurrentRename[]> {
  const project = await openProject(root);
  const release = given === undefined ? (project.config.release ?? project.packageRelease) : parseRelease(given);
  if (release === null) throw new PhaseError('PH1005', {});
  const [manifests, renames] = await Promise.all([readManifests(project.root), readRenames(project.root)]);
  if (manifests.length === 0) warnOfNoManifests(project.root);
  const own = manifestRelease(
    release,
    manifests.map((manifest) => manifest.release),
  );
  const brought = manifests.filter((manifest) => compareReleases(manifest.release, own) <= 0);
  return [...renames.values()].flatMap((rename) => {
    const phases = brought
      .flatMap(({ migrations }) => migrations)
      .filter((entry) => entry.rename === rename.name)
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
