/** What a walk begins with, before it knows how long its batches take. */
export const FIRST_BATCH_PAGES = 16;
const MOST_PAGES = 16_384;

/**
 * Sizes batches by time: each aims at a target duration, so that no row is locked for longer, whatever the rows are like.
 */
export class Pace {
  #pages: number;
  readonly #targetMs: number;

  constructor(targetMs: number, pages: number) {
    this.#targetMs = targetMs;
    this.#pages = Math.min(Math.max(1, pages), MOST_PAGES);
  }

  /** How many pages the next batch takes. */
  get pages(): number {
    return this.#pages;
  }

  /** A batch of so many pages took so long: the next one is steered towards the target, by a factor of two at most. */
  took(pages: number, milliseconds: number): void {
    const factor = Math.min(2, Math.max(0.5, this.#targetMs / Math.max(milliseconds, 1)));
    this.#pages = Math.min(MOST_PAGES, Math.max(1, Math.round(pages * factor)));
  }

  /** A batch did not get its locks or its time: a smaller one may. */
  split(): void {
    this.#pages = Math.max(1, this.#pages >> 2);
  }
}
