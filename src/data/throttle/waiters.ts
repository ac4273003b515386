import { all, type Queryable } from '../../postgres/queryable.ts';

/** A connection that works in batches. */
export interface Watched {
  readonly pid: number;
  /** When its batch began, by `performance.now()`; null between batches. */
  readonly since: number | null;
  /** Others wait for the locks of its batch. */
  blocks(waiting: number): void;
}

const LOOK_EVERY_MS = 100;

/**
 * Looks while batches run whether sessions wait for their locks. A batch that is over its time by then is cancelled: it
 * is small enough to be done again, and whoever waits is a client of the application.
 */
export class WaiterWatch {
  readonly #db: Queryable;
  readonly #targetMs: () => number;
  readonly #watched = new Set<Watched>();
  readonly #timer: NodeJS.Timeout;
  #looking = false;

  constructor(db: Queryable, targetMs: () => number) {
    this.#db = db;
    this.#targetMs = targetMs;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  watch(worker: Watched): () => void {
    this.#watched.add(worker);
    return () => this.#watched.delete(worker);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const working = [...this.#watched].filter(({ since }) => since !== null);
    if (this.#looking || working.length === 0) return;
    this.#looking = true;
    try {
      for (const { pid, waiting } of await this.#waiters(working)) {
        const worker = working.find((other) => other.pid === pid);
        if (!worker) continue;
        worker.blocks(waiting);
        const isOver = worker.since !== null && performance.now() - worker.since > this.#targetMs();
        if (isOver) await this.#db.query('SELECT pg_catalog.pg_cancel_backend($1)', [pid]);
      }
    } catch {
      // It only makes the run more polite; what is wrong with the connection shows where work is done.
    } finally {
      this.#looking = false;
    }
  }

  #waiters(working: readonly Watched[]): Promise<{ pid: number; waiting: number }[]> {
    return all(
      this.#db,
      `SELECT blocking.pid, pg_catalog.count(*)::int AS waiting
       FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS w, pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS blocking(pid)
       WHERE blocking.pid = ANY ($1) AND NOT w.pid = ANY ($1) GROUP BY 1`,
      [working.map(({ pid }) => pid)],
    );
  }
}
