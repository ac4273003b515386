/** Sizes batches by time, so that no row is locked for longer than wanted, whatever the rows are like. */
export class Pace {
  #size: number;
  readonly #most: number;

  /** @param size what it begins with, in the walk's units; @param most the largest batch. */
  constructor(size: number, most: number) {
    this.#most = Math.max(1, most);
    this.#size = this.#within(size);
  }

  /** How much the next batch takes. */
  get size(): number {
    return this.#size;
  }

  /** A batch of that size took so long: the next is steered towards the target, by a factor of two at most. */
  took(size: number, milliseconds: number, targetMs: number): void {
    const factor = Math.min(2, Math.max(0.5, targetMs / Math.max(milliseconds, 1)));
    this.#size = this.#within(size * factor);
  }

  /** A batch did not get its locks or its time, or others waited for it: a smaller one may. */
  split(): void {
    this.#size = this.#within(this.#size / 4);
  }

  #within(size: number): number {
    return Math.min(this.#most, Math.max(1, Math.round(size)));
  }
}
