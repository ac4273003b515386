import type { Queryable } from './queryable.ts';

interface BlockerRow {
  pid: number;
  application_name: string;
  state: string;
  age: string;
  query: string;
}

const BLOCKERS = `
  SELECT a.pid, a.application_name, a.state,
         coalesce(to_char(extract(epoch FROM clock_timestamp() - a.xact_start), 'FM999999990.0'), '?') AS age,
         left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120) AS query
  FROM unnest(pg_blocking_pids($1)) AS blocking(pid)
  JOIN pg_stat_activity a ON a.pid = blocking.pid`;

/** Who a backend waits for, in words: pid, application, age of the transaction, query. */
async function blockersOf(db: Queryable, pid: number): Promise<string[]> {
  const { rows } = await db.query<BlockerRow>(BLOCKERS, [pid]);
  return rows.map(
    (row) =>
      `pid ${row.pid} (${row.application_name || 'no application name'}, ${row.state}, transaction open for ${row.age} s): ${row.query}`,
  );
}

/** Looks at a backend from another connection while it works, since afterwards nobody knows who was in its way. */
export class BlockerWatch {
  #last: readonly string[] = [];
  readonly #db: Queryable;
  #pid: number | null = null;
  readonly #timer: NodeJS.Timeout;

  constructor(db: Queryable, everyMs: number) {
    this.#db = db;
    this.#timer = setInterval(() => void this.#look(), everyMs);
    this.#timer.unref();
  }

  /** Watch this backend from now on. */
  watch(pid: number): void {
    this.#pid = pid;
    this.#last = [];
  }

  /** The blockers seen last. */
  get last(): readonly string[] {
    return this.#last;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#pid = null;
  }

  async #look(): Promise<void> {
    if (this.#pid === null) return;
    const seen = await blockersOf(this.#db, this.#pid).catch(() => []);
    if (seen.length > 0) this.#last = seen;
  }
}
