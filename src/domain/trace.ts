/** A piece of work that whoever watches may want to see as one: a command, a migration, a gate. */
export interface TracedWork {
  readonly name: string;
  /** By names of the kind `triphase.migration.id`. */
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Runs a piece of work as the one that all within it belongs to, and gives what it gives. */
export type Trace = <T>(work: TracedWork, body: () => Promise<T>) => Promise<T>;

/** Where nobody watches. */
export const untraced: Trace = (_work, body) => body();
