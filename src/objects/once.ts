/** Reads of one question about a table, each made once however many kinds of objects ask for it. */
export class Once {
  readonly #reads = new Map<unknown, Promise<unknown>>();

  /** What a read gives. It is known by itself, so it has to be the same function each time. */
  once<T>(read: (sources: this) => Promise<T>): Promise<T> {
    const known = this.#reads.get(read) as Promise<T> | undefined;
    if (known) return known;
    const reading = read(this);
    this.#reads.set(read, reading);
    return reading;
  }
}
