import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Manifest, ManifestEntry, ManifestSource } from '../../domain/manifest.ts';
import { compareReleases, type Release } from '../../domain/release.ts';
import { changedManifest } from '../../project/change-manifest.ts';
import type { FileChange } from '../../project/files.ts';
import { manifestPath } from '../../project/manifests.ts';
import type { BaseManifest, Own } from './sides.ts';

/** Sources that only the branch has, with the releases that list them. */
export function ownSources(
  both: readonly Manifest[],
  inBase: ReadonlyMap<string, ManifestSource>,
  settled: readonly ManifestSource[],
): (ManifestSource & { readonly release: Release })[] {
  const known = new Set([...inBase.keys(), ...settled.map(({ file }) => file)]);
  return both.flatMap(({ release, sources }) =>
    sources.filter(({ file }) => !known.has(file)).map((source) => ({ ...source, release })),
  );
}

/** Where something of a release goes: to that release, or, once the base has cut it, to an open one above. @throws PH1040 */
export function targetsOf(both: readonly Manifest[], bases: readonly BaseManifest[], given: Release | null) {
  const cut = new Set(
    bases.filter(({ manifest }) => manifest.state === 'released').map(({ manifest }) => manifest.release),
  );
  const open = [...new Set(both.map(({ release }) => release))]
    .filter((release) => !cut.has(release))
    .sort(compareReleases);
  return (release: Release, entry: Pick<ManifestEntry, 'id' | 'rename'>): Release => {
    if (!cut.has(release)) return release;
    const next = given ?? open.find((one) => compareReleases(one, release) > 0);
    if (next === undefined || cut.has(next) || entry.rename !== undefined)
      throw new PhaseError('PH1040', { id: entry.id, release, isRename: entry.rename !== undefined });
    return next;
  };
}

/** Manifests of both put together: those of the base, with what the branch adds. */
export function manifestChanges(
  {
    bases,
    both,
  }: { readonly bases: readonly BaseManifest[]; readonly both: readonly (Manifest & { readonly text: string })[] },
  own: readonly Own[],
  sources: readonly (ManifestSource & { readonly release?: Release })[],
  target: (release: Release, entry: Pick<ManifestEntry, 'id' | 'rename'>) => Release,
): FileChange[] {
  const placed = sources.map(({ file, sha256, release }) => ({
    file,
    sha256,
    release: release === undefined ? (own[0]?.release ?? null) : target(release, { id: file, rename: undefined }),
  }));
  const releases = new Set([
    ...own.map(({ release }) => release),
    ...placed.flatMap(({ release }) => release ?? []),
    ...bases.map(({ manifest }) => manifest.release),
  ]);
  return [...releases].map((release): FileChange => {
    const found = bases.find(({ manifest }) => manifest.release === release);
    const path = found?.path ?? manifestPath(release);
    const here = both.find((manifest) => manifest.release === release);
    const add = unique(own.filter((one) => one.release === release).map(({ entry }) => entry));
    const addSources = placed.filter((one) => one.release === release).map(({ file, sha256 }) => ({ file, sha256 }));
    if (found !== undefined) {
      const isSame = add.length === 0 && addSources.length === 0;
      return {
        path,
        content: isSame ? found.text : changedManifest(path, found.text, { add, addSources }),
        mode: 'replace',
      };
    }
    // One that only the branch has keeps what somebody wrote into it.
    const before = here?.text ?? `release: ${release}\nstate: open\nmigrations: []\n`;
    const remove = new Set(here?.migrations.map(({ id }) => id));
    const removeSources = new Set(addSources.map(({ file }) => file));
    return {
      path,
      content: changedManifest(path, before, { remove, removeSources, add, addSources }),
      mode: 'replace',
    };
  });
}

const unique = (entries: readonly ManifestEntry[]): ManifestEntry[] =>
  [...new Map(entries.map((entry) => [entry.id, entry])).values()].sort((one, other) => (one.id < other.id ? -1 : 1));
