import type { RunProgress } from '../domain/run-progress.ts';
import { DEFAULT_SETTINGS, type RunSettings, withSettings } from '../domain/run-settings.ts';
import { endRun, type RunReport, type RunRequest, type RunState, readRunWishes, reportRun } from '../ledger/runs.ts';
import type { LedgerDb } from '../postgres/queryable.ts';

const REPORT_EVERY_MS = 500;

/**
 * The control row of a run: what it is asked to do, and what it says of itself. Read before each batch, on a connection
 * of its own, so that what is written is seen at once and nothing waits for a batch.
 */
export class RunControl {
  readonly number: string;
  readonly #db: LedgerDb;
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
  constructor(db: LedgerDb, number: string, base: RunSettings = DEFAULT_SETTINGS) {
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
    const row = await readRunWishes(this.#db, this.number);
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
    await reportRun(this.#db, this.#report(), progress.waitingFor);
  }

  async finish(
    state: Exclude<RunState, 'running' | 'paused'>,
    error?: { readonly code: string; readonly message: string },
  ): Promise<void> {
    await endRun(this.#db, this.#report(), state, error);
  }

  /** What it has done so far, and how. */
  #report(): RunReport {
    const rows = this.#rowsBefore + (this.#last?.rows ?? 0);
    return { number: this.number, progress: this.#last, rows, settings: this.#settings };
  }
}
