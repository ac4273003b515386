import type { OrderedMigration } from '../domain/plan.ts';
import type { Release } from '../domain/release.ts';
import type { Timeline } from './timeline.ts';

/**
 * The releases that can run after each step: all that they need is applied or held, and nothing that ran breaks them.
 * What is held runs last, at the finish.
 * @returns by id.
 */
export function runnableAfter(
  timeline: Timeline,
  migrations: readonly OrderedMigration[],
  { applied, held, lowest }: { applied: ReadonlySet<string>; held: ReadonlySet<string>; lowest: number },
): Map<string, readonly Release[]> {
  const view = new View(timeline, lowest);
  const pending = migrations.filter(({ id }) => !applied.has(id) && !held.has(id));
  const needs = pending.map(({ release }) => timeline.place(release));
  for (const { id, breaks } of migrations) if (applied.has(id)) view.break(breaks);
  const runnable = new Map<string, readonly Release[]>();
  view.complete(needs[0]);
  for (const { id } of migrations) if (applied.has(id)) runnable.set(id, view.releases);
  pending.forEach(({ id, breaks }, index) => {
    view.break(breaks);
    view.complete(needs[index + 1]);
    runnable.set(id, view.releases);
  });
  for (const { id, breaks } of migrations) {
    if (!held.has(id)) continue;
    view.break(breaks);
    runnable.set(id, view.releases);
  }
  return runnable;
}

/** The releases that can run at a moment; the same list as long as it stays the same. */
class View {
  readonly #timeline: Timeline;
  readonly #lowest: number;
  readonly #broken = new Set<number>();
  readonly #ranges = new Set<string>();
  /** Releases below this place have all that they need. */
  #limit = 0;
  #releases: readonly Release[] | null = null;

  constructor(timeline: Timeline, lowest: number) {
    this.#timeline = timeline;
    this.#lowest = lowest;
  }

  break(range: string | undefined): void {
    if (range === undefined || this.#ranges.has(range)) return;
    this.#ranges.add(range);
    for (const place of this.#timeline.within(range)) this.#broken.add(place);
    this.#releases = null;
  }

  /** @param next place of the release that the next step belongs to; undefined after the last. Steps ascend. */
  complete(next: number | undefined): void {
    const limit = next ?? Number.POSITIVE_INFINITY;
    if (limit !== this.#limit) this.#releases = null;
    this.#limit = limit;
  }

  get releases(): readonly Release[] {
    this.#releases ??= this.#timeline.releases.filter(
      (_, place) => place >= this.#lowest && place < this.#limit && !this.#broken.has(place),
    );
    return this.#releases;
  }
}
