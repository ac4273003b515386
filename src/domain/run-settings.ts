/** How a backfill or a task treats the server. All of it can be changed while it runs; durations in milliseconds. */
export interface RunSettings {
  /** Connections that work at the same time. */
  readonly workers: number;
  /** How long a batch may hold its row locks. */
  readonly batchDuration: number;
  /** How far a replica may be behind. */
  readonly maxLag: number;
  /** How many segments of the write-ahead log may wait to be archived. */
  readonly maxUnarchived: number;
  /** Share by which the table's file may grow through dead rows. */
  readonly maxGrowth: number;
  /** Pause after each batch, as a multiple of its duration. */
  readonly niceRatio: number;
  /** SQL whose first column says to wait: true, or the reason as text. */
  readonly throttleQuery: string | null;
}

export const DEFAULT_SETTINGS: RunSettings = {
  workers: 1,
  batchDuration: 100,
  maxLag: 10_000,
  maxUnarchived: 64,
  maxGrowth: 0.2,
  niceRatio: 0,
  throttleQuery: null,
};

/** Settings with others laid over them; what is undefined does not count. */
export function withSettings(settings: RunSettings, over: Partial<RunSettings>): RunSettings {
  return { ...settings, ...Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined)) };
}
