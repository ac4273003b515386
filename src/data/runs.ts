import { hostname } from 'node:os';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { DEFAULT_SETTINGS, type RunSettings, withSettings } from './settings.ts';

/** How far a run is, for whoever watches. */
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

export type RunState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
export type RunRequest = 'pause' | 'cancel';

export interface NewRun {
  readonly kind: 'migration' | 'task';
  /** Id of the migration, or name of the task. */
  readonly name: string;
  /** The run of phase, as in the application name of its connections. */
  readonly run: string;
  readonly toolVersion: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Given for this run. */
  readonly settings?: Partial<RunSettings>;
}

/** Enters a run; gives its number. */
export async function enterRun(db: Queryable, run: NewRun): Promise<string> {
  const { number } = await one<{ number: string }>(
    db,
    `INSERT INTO phase.runs (kind, name, run, state, params, settings, host, tool_version)
     VALUES ($1, $2, $3, 'running', $4, $5, $6, $7) RETURNING number::text`,
    [
      run.kind,
      run.name,
      run.run,
      JSON.stringify(run.params ?? {}),
      JSON.stringify(run.settings ?? {}),
      hostname(),
      run.toolVersion,
    ],
  );
  return number;
}

/** Takes up a run that its process has left. */
export async function takeUpRun(
  db: Queryable,
  number: string,
  run: Pick<NewRun, 'run' | 'toolVersion'>,
): Promise<void> {
  await db.query(
    `UPDATE phase.runs SET run = $2, state = 'running', request = NULL, error_code = NULL, error = NULL, finished_at = NULL,
       host = $3, tool_version = $4, updated_at = pg_catalog.clock_timestamp() WHERE number = $1`,
    [number, run.run, hostname(), run.toolVersion],
  );
}

const REPORT_EVERY_MS = 500;

/**
 * The control row of a run: what it is asked to do, and what it says of itself. Read before each batch, on a connection
 * of its own, so that what is written is seen at once and nothing waits for a batch.
 */
export class RunControl {
  readonly number: string;
  readonly #db: Queryable;
  #base: RunSettings;
  #settings: RunSettings;
  /** The settings that were said last. */
  #said: RunSettings | null = null;
  #request: RunRequest | null = null;
  #lastReport = 0;
  /** Rows of the walks before this one, and of this one. */
  #rowsBefore = 0;
  #last: RunProgress | null = null;

  /** @param base settings of the configuration; those in the row lie over them. */
  constructor(db: Queryable, number: string, base: RunSettings = DEFAULT_SETTINGS) {
    this.#db = db;
    this.number = number;
    this.#base = base;
    this.#settings = base;
  }

  get settings(): RunSettings {
    return this.#settings;
  }

  get request(): RunRequest | null {
    return this.#request;
  }

  /** What the call in the code asks for lies over the configuration, and under what an operator gives. */
  prefer(settings: Partial<RunSettings>): void {
    this.#base = withSettings(this.#base, settings);
    this.#settings = withSettings(this.#settings, settings);
  }

  /** Reads the row. */
  async refresh(): Promise<void> {
    const [row] = await all<{ request: RunRequest | null; settings: Partial<RunSettings> }>(
      this.#db,
      'SELECT request, settings FROM phase.runs WHERE number = $1',
      [this.number],
    );
    this.#request = row?.request ?? null;
    const settings = withSettings(this.#base, row?.settings ?? {});
    if (JSON.stringify(settings) !== JSON.stringify(this.#settings)) this.#settings = settings;
  }

  /** Says how far it is: at most twice a second, at once when it begins or ends to wait or works by other settings. */
  async report(progress: RunProgress): Promise<void> {
    if (progress.table !== this.#last?.table || progress.rows < this.#last.rows) {
      this.#rowsBefore += this.#last?.rows ?? 0;
    }
    const isNews = progress.waitingFor !== this.#last?.waitingFor || this.#settings !== this.#said;
    this.#last = progress;
    if (!isNews && Date.now() - this.#lastReport < REPORT_EVERY_MS) return;
    this.#lastReport = Date.now();
    this.#said = this.#settings;
    await this.#db.query(
      `${SAY}, waiting_for = $5,
         state = CASE WHEN request = 'pause' AND $5::text IS NOT NULL THEN 'paused' ELSE 'running' END WHERE number = $1`,
      [...this.#known(), progress.waitingFor],
    );
  }

  async finish(
    state: Exclude<RunState, 'running' | 'paused'>,
    error?: { readonly code: string; readonly message: string },
  ): Promise<void> {
    await this.#db.query(
      `${SAY}, state = $5, request = NULL, waiting_for = NULL, error_code = $6, error = $7, finished_at = pg_catalog.clock_timestamp() WHERE number = $1`,
      [...this.#known(), state, error?.code ?? null, error?.message ?? null],
    );
  }

  /** What a report and the end both say. */
  #known(): [string, string | null, number, string] {
    const progress = this.#last === null ? null : JSON.stringify(this.#last);
    return [this.number, progress, this.#rowsBefore + (this.#last?.rows ?? 0), JSON.stringify(this.#settings)];
  }
}

const SAY = `UPDATE phase.runs SET progress = coalesce($2::jsonb, progress), rows = greatest(rows, $3), in_force = $4, updated_at = pg_catalog.clock_timestamp()`;
