/** How often it is looked, in milliseconds. */
const EVERY_MS = 100;

/** For how long this process has stood still: stopped, starved of the processor, or at a computation that lets nothing else run. */
export class Standstill {
  #last = performance.now();
  #longest = 0;
  readonly #timer = setInterval(() => this.#look(), EVERY_MS).unref();

  /** The longest time so far, in milliseconds. */
  get longestMs(): number {
    this.#look();
    return this.#longest;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}
