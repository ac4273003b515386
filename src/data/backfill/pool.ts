import type { Window } from '../../ledger/checkpoint.ts';
import type { Connection } from '../../postgres/connection.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import type { WaiterWatch } from '../throttle/waiters.ts';
import type { Growth } from './growth.ts';
import { type LeafWalk, Worker } from './worker.ts';

/** What a pool works with. */
export interface PoolOptions {
  /** The first worker's connection; not in a transaction. */
  readonly db: LedgerDb;
  /** Opens one for each further worker; the pool closes it. */
  connect(): Promise<Connection>;
  /** Windows that an earlier run had begun. */
  readonly begun: readonly Window[];
  readonly waiters: WaiterWatch;
  readonly growth: Growth | null;
}

/**
 * Workers over disjoint windows of one table. How many there are follows the settings: a worker too many gives its
 * window back before its next batch, one too few is opened then.
 */
export class Pool {
  readonly #options: PoolOptions;
  readonly #walked: LeafWalk;
  readonly #queue: Window[];
  readonly #running = new Map<number, Promise<void>>();
  #claiming: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | null = null;
  #atEnd = false;

  constructor(options: PoolOptions, leafWalk: Omit<LeafWalk, 'ready'>, ready: () => Promise<void>) {
    this.#options = options;
    this.#queue = [...options.begun];
    this.#walked = {
      ...leafWalk,
      ready: async (worker) => {
        await ready();
        if (this.#failure !== null) return false;
        if (worker === 0) this.#enlist();
        return worker < Math.max(1, this.#walked.settings().workers);
      },
    };
  }

  /** Until the walk is at its end. @throws the first error of a worker, when all have stopped. */
  async run(): Promise<void> {
    do {
      this.#start(0);
      while (this.#running.size > 0) await Promise.race(this.#running.values());
      // A worker too many may have given its window back when there was nobody left to take it.
    } while (this.#queue.length > 0 && this.#failure === null);
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Opens the workers that are missing, as long as there is something for them. */
  #enlist(): void {
    const { workers } = this.#walked.settings();
    for (let index = 1; index < workers; index++) {
      if (!this.#running.has(index) && !this.#atEnd) this.#start(index);
    }
  }

  #start(index: number): void {
    const work = index === 0 ? this.#work(0, this.#options.db) : this.#withConnection(index);
    const ended = work
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(index));
    this.#running.set(index, ended);
  }

  async #withConnection(index: number): Promise<void> {
    const client = await this.#options.connect();
    try {
      await this.#work(index, client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async #work(index: number, db: LedgerDb): Promise<void> {
    const worker = await Worker.on(db, index, this.#walked);
    const unwatch = this.#options.waiters.watch(worker);
    try {
      for (let window = await this.#next(db); window !== null; window = await this.#next(db)) {
        if (!(await worker.run(window))) {
          this.#queue.unshift(window);
          return;
        }
        await this.#options.growth?.check(db);
      }
    } finally {
      unwatch();
    }
  }

  /** One claim at a time: each begins where the one before it ended. */
  #next(db: LedgerDb): Promise<Window | null> {
    const claim = this.#claiming.then(async () => {
      if (this.#failure !== null) return null;
      const begun = this.#queue.shift();
      if (begun !== undefined) return begun;
      const { checkpoint, course, walk } = this.#walked;
      const window = await checkpoint.claim(db, course, walk);
      this.#atEnd = window === null;
      return window;
    });
    this.#claiming = claim.catch(() => undefined);
    return claim;
  }
}
