/** How far work on a table is, for whoever watches. */
export interface RunProgress {
  /** The table that is worked on, quoted. */
  readonly table: string;
  /** Rows changed in it. */
  readonly rows: number;
  /** Rows of it as estimated; null when nothing is known. */
  readonly total: number | null;
  /** From 0 to 1. */
  readonly done: number;
  /** Rows a second, of late. */
  readonly rate: number;
  /** Seconds left at this rate; null when it cannot be told. */
  readonly eta: number | null;
  /** Seconds that the furthest replica is behind; null without replicas. */
  readonly lag: number | null;
  /** Why it waits; null when it works. */
  readonly waitingFor: string | null;
}
