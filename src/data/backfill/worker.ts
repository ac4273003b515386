import { setTimeout as sleep } from 'node:timers/promises';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import type { RunSettings } from '../../domain/run-settings.ts';
import {
  type Checkpoint,
  type Course,
  isSame,
  type Position,
  type Progressed,
  type Window,
} from '../../ledger/checkpoint.ts';
import { codeOf, isRetryable, sqlState } from '../../postgres/errors.ts';
import { type LedgerDb, one } from '../../postgres/queryable.ts';
import { type LockPatience, pauseAfter } from '../../postgres/retry.ts';
import type { Watched } from '../throttle/waiters.ts';
import type { Leaf } from './leaves.ts';
import { Pace } from './pace.ts';
import type { Walk } from './walk.ts';

/** What to write, and which rows still need it. */
export interface Change {
  /** New values as SQL expressions, by column. */
  readonly set: Readonly<Record<string, string>>;
  /** Condition that is true for a row that still needs it, and false once it has it. */
  readonly where: string;
  /** Said in each batch, of the application's triggers. */
  readonly settings: readonly string[];
}

/** The walk over one table that a worker takes part in. */
export interface LeafWalk {
  readonly leaf: Leaf;
  readonly walk: Walk;
  readonly course: Course;
  readonly checkpoint: Checkpoint;
  readonly change: Change;
  readonly patience: LockPatience;
  settings(): RunSettings;
  /** Before each batch; false: this worker is to stop. */
  ready(worker: number): Promise<boolean>;
  /** After each batch. */
  changed(rows: number, units: number): Promise<void>;
}

/** Why a worker came to an end in the middle: the table's file was replaced, and the walk has to begin anew. */
export class TableMoved extends Error {}

/** Below deadlock_timeout: a batch gives way before a client of the application is made to. */
const BATCH_LOCK_TIMEOUT_MS = 400;

/** One connection that goes through windows, batch by batch. */
export class Worker implements Watched {
  readonly #db: LedgerDb;
  readonly #index: number;
  readonly #walked: LeafWalk;
  /** Rows of the first sweep go elsewhere and cost several times as much as those of later ones. */
  readonly #firstPace: Pace;
  readonly #laterPace: Pace;
  /** That of the batch. */
  #pace: Pace;
  readonly pid: number;
  #since: number | null = null;
  #waiting = 0;

  private constructor(db: LedgerDb, pid: number, index: number, leafWalk: LeafWalk) {
    this.#db = db;
    this.pid = pid;
    this.#index = index;
    this.#walked = leafWalk;
    this.#firstPace = new Pace(leafWalk.course.batchSize, leafWalk.walk.largestBatch);
    this.#laterPace = new Pace(leafWalk.course.batchSize, leafWalk.walk.largestBatch);
    this.#pace = this.#firstPace;
  }

  static async on(db: LedgerDb, index: number, leafWalk: LeafWalk): Promise<Worker> {
    const { pid } = await one<{ pid: number }>(db, 'SELECT pg_catalog.pg_backend_pid() AS pid');
    return new Worker(db, pid, index, leafWalk);
  }

  get since(): number | null {
    return this.#since;
  }

  /** Others wait for this batch: the next ones are smaller, and leave them time. */
  blocks(waiting: number): void {
    this.#waiting = Math.max(this.#waiting, waiting);
  }

  /**
   * Goes through a window from where it is. False when it was told to stop in the middle.
   * @throws TableMoved, PH4002 when a batch never gets its locks, PH5009 when the condition stays true.
   */
  async run(window: Window): Promise<boolean> {
    for (let failures = 0; ; ) {
      if (!(await this.#walked.ready(this.#index))) return false;
      try {
        const isComplete = await this.#batch(window);
        failures = 0;
        if (isComplete) return true;
      } catch (error) {
        failures += await this.#afterFailure(error, failures);
      }
    }
  }

  async #batch(window: Window): Promise<boolean> {
    const { walk } = this.#walked;
    this.#pace = window.sweep === 1 ? this.#firstPace : this.#laterPace;
    const asked = this.#pace.size;
    const from = window.nextFrom;
    const to = await walk.advance(this.#db, from, window.endsAt, asked);
    const next = nextOf(window, to, walk.sweeps);
    const units = walk.units(from, to, asked);
    const { rows, took } = await this.#commit(window, { from, to, units, next });
    if (rows > 0 || walk.kind === 'pages') this.#pace.took(units, took, this.#walked.settings().batchDuration);
    await this.#walked.changed(rows, units);
    await this.#beNice(took);
    if (next === null) return true;
    window.nextFrom = next.from;
    window.sweep = next.sweep;
    return false;
  }

  /** The batch and its checkpoint in one transaction. */
  async #commit(
    window: Window,
    { from, to, units, next }: { from: Position | null; to: Position; units: number; next: Progressed['next'] },
  ): Promise<{ rows: number; took: number }> {
    const { checkpoint, course } = this.#walked;
    const began = performance.now();
    this.#since = began;
    try {
      const rows = await this.#update(from, to, window.sweep);
      const entry = checkpoint.entry(this.#db, course, window, { rows, units, batchSize: this.#firstPace.size, next });
      const [entered] = await this.#script(`${entry}; COMMIT`);
      // What it wrote is right wherever it was; only the walk has to begin anew.
      if (entered?.rowCount !== 1) throw new TableMoved();
      return { rows, took: performance.now() - began };
    } catch (error) {
      await this.#db.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      this.#since = null;
    }
  }

  /** Begins the transaction and changes the rows, in one message. The first batch of a walk looks whether the condition ever becomes false. */
  async #update(from: Position | null, to: Position, sweep: number): Promise<number> {
    const { leaf, walk, change, course } = this.#walked;
    const begin = beginWith(change, this.#walked.settings());
    const assignments = Object.entries(change.set).map(([column, value]) => `${quoteIdent(column)} = ${value}`);
    const update = `UPDATE ONLY ${leaf.name} SET ${assignments.join(', ')} WHERE ${walk.within(from, to, sweep)} AND (${change.where}\n)`;
    if (course.rows > 0 || from !== null || sweep > 1) {
      return (await this.#script(`${begin}; ${update}`)).at(-1)?.rowCount ?? 0;
    }
    const looked = `WITH changed AS (${update} RETURNING (${change.where}\n) AS still)
      SELECT pg_catalog.count(*)::float8 AS rows, pg_catalog.count(*) FILTER (WHERE still)::float8 AS still FROM changed`;
    const [changed] = (await this.#script(`${begin}; ${looked}`)).at(-1)?.rows ?? [];
    const { rows, still } = changed ?? { rows: 0, still: 0 };
    if (still === 0) return rows;
    const reason = `The condition is still true for ${still} of the first ${rows} rows after they were written, so it would never end.`;
    throw new PhaseError('PH5009', { table: leaf.name, mismatches: still, reason });
  }

  /** Several statements in one message: over a network each message costs a round trip, while rows are locked. */
  async #script(sql: string): Promise<StatementResult[]> {
    return (await this.#db.query(sql)) as unknown as StatementResult[];
  }

  async #beNice(took: number): Promise<void> {
    const { niceRatio } = this.#walked.settings();
    const pause = took * (niceRatio + (this.#waiting > 0 ? 1 : 0));
    if (this.#waiting > 0) this.#pace.split();
    this.#waiting = 0;
    if (pause >= 1) await sleep(pause);
  }

  /** Waits before the next try; gives what counts as a failure. Being cancelled for others is none, as long as it can be split. */
  async #afterFailure(error: unknown, failures: number): Promise<number> {
    const isCancelled = codeOf(error) === sqlState.queryCanceled;
    if (!isRetryable(error) && !isCancelled) throw error;
    const counts = isCancelled && this.#pace.size > 1 ? 0 : 1;
    if (failures + counts >= this.#walked.patience.attempts) {
      const what = `A batch of the backfill of ${this.#walked.leaf.name}`;
      throw new PhaseError('PH4002', { what, attempts: failures + counts, blockers: [] }, { cause: error });
    }
    this.#pace.split();
    await sleep(pauseAfter(failures + 1));
    return counts;
  }
}

interface StatementResult {
  readonly rowCount: number | null;
  readonly rows: readonly { readonly rows: number; readonly still: number }[];
}

/** Where a window goes on after a batch; null when it is complete. */
function nextOf(window: Window, to: Position, sweeps: number): { from: Position | null; sweep: number } | null {
  if (!isSame(to, window.endsAt)) return { from: to, sweep: window.sweep };
  return window.sweep < sweeps ? { from: window.startsFrom, sweep: window.sweep + 1 } : null;
}

/**
 * A batch that a crash of the server takes back takes its checkpoint with it, so it need not wait for the disk or for
 * synchronous replicas.
 */
function beginWith({ settings }: Change, { batchDuration }: RunSettings): string {
  return [
    'BEGIN',
    `SET LOCAL lock_timeout = ${BATCH_LOCK_TIMEOUT_MS}`,
    `SET LOCAL statement_timeout = ${Math.max(5_000, Math.round(batchDuration * 20))}`,
    'SET LOCAL synchronous_commit = off',
    ...settings,
  ].join('; ');
}
