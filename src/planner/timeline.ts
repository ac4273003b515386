import { compareReleases, type Release, releasesWithin } from '../domain/release.ts';

/** Releases in ascending order, each with its place: planning counts by places, since comparing versions is slow. */
export class Timeline {
  readonly releases: readonly Release[];
  readonly #places: ReadonlyMap<Release, number>;
  readonly #within = new Map<string, readonly number[]>();

  constructor(releases: Iterable<Release>) {
    this.releases = [...new Set(releases)].sort(compareReleases);
    this.#places = new Map(this.releases.map((release, place) => [release, place]));
  }

  /** @throws when the release is none of the timeline's. */
  place(release: Release): number {
    const place = this.#places.get(release);
    if (place === undefined) throw new Error(`${release} is not on the timeline`);
    return place;
  }

  /** Places of the releases that a range names, ascending. */
  within(range: string): readonly number[] {
    const known = this.#within.get(range);
    if (known) return known;
    const places = releasesWithin(this.releases, range).map((release) => this.place(release));
    this.#within.set(range, places);
    return places;
  }

  /** The lowest place from `low` on that a range names; null when there is none. No range names nothing. */
  firstWithin(range: string | undefined, low: number): number | null {
    if (range === undefined) return null;
    return this.within(range).find((place) => place >= low) ?? null;
  }
}
