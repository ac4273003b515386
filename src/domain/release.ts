// One by one: the whole of it are fifty files, which every command would load.
import Range from 'semver/classes/range.js';
import compare from 'semver/functions/compare.js';
import inc from 'semver/functions/inc.js';
import parse from 'semver/functions/parse.js';
import satisfies from 'semver/functions/satisfies.js';
import validRange from 'semver/ranges/valid.js';
import { PhaseError } from './errors/phase-error.ts';

/** A release of the application in its normal form, such as `1.1.0` or `2026.11.1`. */
export type Release = string;

/** Older than every release that a manifest can name: what serves a database that `phase` did not create. */
export const BEFORE_ALL: Release = '0.0.0-0';

/**
 * Reads a version as people write it: `v1.0` is 1.0.0, `2026.11.01` is 2026.11.1, pre-releases stay.
 * @throws PH1006 when it is no version.
 */
export function parseRelease(text: string): Release {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.exec(text.trim());
  const numbers = match?.slice(1, 4).map((part) => BigInt(part ?? 0).toString());
  const parsed = numbers && parse(numbers.join('.') + (match?.[4] ?? ''));
  if (!parsed) throw new PhaseError('PH1006', { version: text });
  return parsed.version;
}

/** Negative when `a` comes before `b`, 0 when they are the same release. */
export function compareReleases(a: Release, b: Release): number {
  return compare(a, b);
}

/** Whether a release falls into a range such as `<1.2.0`. */
export function inRange(release: Release, range: string): boolean {
  return satisfies(release, range, { includePrerelease: true });
}

/** Those of several releases that fall into a range: faster than asking for each. */
export function releasesWithin(releases: readonly Release[], range: string): Release[] {
  const parsed = new Range(range, { includePrerelease: true });
  return releases.filter((release) => parsed.test(release));
}

/** Whether a text is a range of releases such as `<1.2.0` or `>=1.0.0 <2.0.0`. */
export function isRange(text: string): boolean {
  return validRange(text) !== null;
}

/** The release whose manifest a release runs: a pre-release runs that of the version it leads to. */
export function manifestRelease(release: Release, manifests: readonly Release[]): Release {
  if (manifests.includes(release)) return release;
  const parsed = parse(release);
  return parsed ? `${parsed.major}.${parsed.minor}.${parsed.patch}` : release;
}

/** The release of a hotfix after `current`. */
export function nextPatch(current: Release): Release {
  return inc(current, 'patch') ?? current;
}

/** The next three minor releases after `current`: what the wizard proposes. */
export function nextReleases(current: Release): [Release, Release, Release] {
  const first = inc(current, 'minor') ?? current;
  const second = inc(first, 'minor') ?? first;
  return [first, second, inc(second, 'minor') ?? second];
}
