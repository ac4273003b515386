import { BEFORE_ALL, compareReleases, manifestRelease, type Release } from '../domain/release.ts';

export interface Deployment {
  /** Whether the database had tables before phase first migrated it. */
  readonly servedBefore: boolean;
  /** Releases that were migrated; each of them may have been rolled out. */
  readonly migrated: readonly Release[];
  /** The release of which was said last that only it, or later ones, are alive. */
  readonly confirmed: Release | null;
  /** Releases that were migrated to after that was said: a lower one among them is a roll-back. */
  readonly since?: readonly Release[];
}

/**
 * The releases that may be running while a release is migrated to: from the last confirmed one up,
 * or from one that the application was rolled back to since. Nothing is concluded from time passing or from a migrate alone.
 * @param known releases of the manifests; a pre-release counts as the one whose manifest it runs.
 */
export function aliveReleases(
  { servedBefore, migrated, confirmed, since = [] }: Deployment,
  to: Release,
  known: readonly Release[],
): Release[] {
  const seen = [...migrated, to].map((release) => manifestRelease(release, known));
  const lowest = confirmed === null ? (servedBefore ? BEFORE_ALL : minimum(seen)) : minimum([confirmed, ...since]);
  const from = manifestRelease(lowest, [...known, BEFORE_ALL]);
  const highest = seen.reduce((a, b) => (compareReleases(a, b) >= 0 ? a : b));
  return [...new Set([from, ...known, ...seen])]
    .filter((release) => compareReleases(release, from) >= 0 && compareReleases(release, highest) <= 0)
    .sort(compareReleases);
}

function minimum(releases: readonly Release[]): Release {
  return releases.reduce((a, b) => (compareReleases(a, b) <= 0 ? a : b));
}
