import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import type { RunProgress } from '../domain/run-progress.ts';
import type { RunSettings } from '../domain/run-settings.ts';
import { Checkpoint, type Course, endWalks, isSame, type Part, type Window } from '../ledger/checkpoint.ts';
import { isRetryable } from '../postgres/errors.ts';
import { connectionOf, runSql } from '../postgres/knex.ts';
import { all, type LedgerDb } from '../postgres/queryable.ts';
import { type LockPatience, pauseAfter } from '../postgres/retry.ts';
import { estimatedRows, type KeyColumn, KeyWalk, walkableKey } from './backfill/key-walk.ts';
import { heapPlace, type Leaf, leavesOf } from './backfill/leaves.ts';
import { Pace } from './backfill/pace.ts';
import { ProgressMeter } from './backfill/progress.ts';
import type { RunControl } from './run-control.ts';
import type { Throttle } from './throttle/throttle.ts';

/** Rows to be handed to code. */
export interface InBatchesRequest extends Partial<Omit<RunSettings, 'workers'>> {
  /** The table, as in SQL. It needs a primary key, or a unique key without NULLs. */
  readonly table: string;
  /** What the code needs besides the key; left out: all columns. */
  readonly columns?: readonly string[];
  /** Which rows; left out: all. */
  readonly where?: string;
}

/** A row by its columns' names. */
type Row = Record<string, unknown>;

/** What the code gets: rows that are locked until its transaction ends, and a knex in that transaction. */
export type BatchBody = (rows: Row[], knex: Knex.Transaction) => unknown;

export interface InBatchesTools extends Part {
  readonly knex: Knex;
  readonly db: LedgerDb;
  readonly patience: LockPatience;
  readonly control: RunControl;
  readonly throttle: Throttle;
  onProgress(progress: RunProgress): void;
}

/**
 * Hands rows to code in batches by their key, each row once. What the code writes, and the checkpoint, commit together;
 * a batch that meets a deadlock or a lock time-out is rolled back and handed over again.
 * @throws PH2017 for a table without a key, PH4002 when a batch never gets its locks, PH5014 when it is cancelled.
 */
export async function runInBatches(
  request: InBatchesRequest,
  body: BatchBody,
  tools: InBatchesTools,
): Promise<{ rows: number }> {
  const { table, columns, where, ...settings } = request;
  tools.control.prefer(settings);
  let rows = 0;
  const walked = new Set<number>();
  for (;;) {
    const leaf = (await leavesOf(tools.db, table)).find(({ oid }) => !walked.has(oid));
    if (leaf === undefined) break;
    walked.add(leaf.oid);
    rows += await new BatchWalk(leaf, { columns, where, body }, tools).run();
  }
  await endWalks(tools.db, tools);
  return { rows };
}

interface BatchWork {
  readonly columns: readonly string[] | undefined;
  readonly where: string | undefined;
  readonly body: BatchBody;
}

/** The walk over one table. */
class BatchWalk {
  readonly #leaf: Leaf;
  readonly #work: BatchWork;
  readonly #tools: InBatchesTools;
  readonly #checkpoint: Checkpoint;

  constructor(leaf: Leaf, work: BatchWork, tools: InBatchesTools) {
    this.#leaf = leaf;
    this.#work = work;
    this.#tools = tools;
    this.#checkpoint = new Checkpoint(tools, leaf);
  }

  async run(): Promise<number> {
    const { db } = this.#tools;
    const key = await walkableKey(db, this.#leaf);
    if (key === null) {
      const reason = 'Code gets each row once, which needs a primary key, or a unique key without NULLs.';
      throw new PhaseError('PH2017', { table: this.#leaf.name, reason });
    }
    const walk = new KeyWalk(this.#leaf, key, await estimatedRows(db, this.#leaf));
    const place = (await heapPlace(db, this.#leaf.oid)) ?? { filenode: 0, pages: 0 };
    const course = (await this.#checkpoint.course(db)) ?? (await this.#checkpoint.begin(db, place, walk, 1));
    const [begun] = await this.#checkpoint.windows(db);
    const meter = new ProgressMeter(this.#leaf.name, { ...course, totalRows: walk.total });
    const pace = new Pace(course.batchSize, walk.largestBatch);
    let rows = 0;
    let window = begun ?? (await this.#checkpoint.claim(db, course, walk));
    while (window !== null) {
      rows += await this.#window(window, { course, walk, key, pace, meter });
      window = await this.#checkpoint.claim(db, course, walk);
    }
    return rows;
  }

  async #window(window: Window, at: WalkState): Promise<number> {
    const { throttle, control, patience } = this.#tools;
    const tell = async (waitingFor: string | null): Promise<void> => {
      const progress = at.meter.now(throttle.behind, waitingFor);
      this.#tools.onProgress(progress);
      await control.report(progress);
    };
    let rows = 0;
    for (let failures = 0; ; ) {
      await throttle.ready(tell);
      const asked = at.pace.size;
      const to = await at.walk.advance(this.#tools.db, window.nextFrom, window.endsAt, asked);
      const isLast = isSame(to, window.endsAt);
      const began = performance.now();
      try {
        const found = await this.#batch(window, to, isLast, asked, at);
        const took = performance.now() - began;
        at.pace.took(asked, took, control.settings.batchDuration);
        at.meter.add(found, asked);
        rows += found;
        failures = 0;
        await tell(null);
        await sleep(took * control.settings.niceRatio);
        if (isLast) return rows;
        window.nextFrom = to;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        if (++failures >= patience.attempts) {
          const what = `A batch of ${this.#leaf.name}`;
          throw new PhaseError('PH4002', { what, attempts: failures, blockers: [] }, { cause: error });
        }
        at.pace.split();
        await sleep(pauseAfter(failures));
      }
    }
  }

  #batch(window: Window, to: readonly string[], isLast: boolean, asked: number, at: WalkState): Promise<number> {
    const { knex, patience } = this.#tools;
    return knex.transaction(async (trx) => {
      await runSql(trx, `SET LOCAL lock_timeout = ${patience.lockTimeoutMs}`);
      const db = await connectionOf(trx);
      const rows = await all<Row>(db, this.#select(at, window.nextFrom, to));
      if (rows.length > 0) await this.#work.body(rows, trx);
      const next = isLast ? null : { from: to, sweep: 1 };
      const batch = { rows: rows.length, units: asked, batchSize: at.pace.size, next };
      await db.query(this.#checkpoint.entry(db, at.course, window, batch));
      return rows.length;
    });
  }

  #select({ walk, key }: WalkState, from: readonly string[] | null, to: readonly string[]): string {
    const { columns, where } = this.#work;
    const keyNames = key.map(({ name }) => name);
    const names = columns === undefined ? '*' : [...new Set([...keyNames, ...columns])].map(quoteIdent).join(', ');
    const condition = where === undefined ? '' : ` AND (${where}\n)`;
    const order = keyNames.map(quoteIdent).join(', ');
    return `SELECT ${names} FROM ONLY ${this.#leaf.name} WHERE ${walk.within(from, to)}${condition} ORDER BY ${order} FOR NO KEY UPDATE`;
  }
}

interface WalkState {
  readonly course: Course;
  readonly walk: KeyWalk;
  readonly key: readonly KeyColumn[];
  readonly pace: Pace;
  readonly meter: ProgressMeter;
}
