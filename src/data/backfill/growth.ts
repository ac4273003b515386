import { codeOf, isRetryable, sqlState } from '../../postgres/errors.ts';
import { all, one, type Queryable } from '../../postgres/queryable.ts';
import type { Leaf } from './leaves.ts';

/** The share of what the file may grow that is aimed at: the rest is for rows that become longer. */
const AIM = 0.6;
/** A transaction is in the way only when it is older than this: clients of the application come and go. */
const OLD_MS = 2_000;

/** `INDEX_CLEANUP OFF` leaves the indexes to autovacuum; without `TRUNCATE` no exclusive lock is taken. */
const OPTIONS = 'SKIP_LOCKED, INDEX_CLEANUP OFF, TRUNCATE OFF, PROCESS_TOAST OFF';

/**
 * Keeps a table's file from growing through the rows that a backfill leaves dead: vacuums as it goes, so that what is
 * freed is used again.
 */
export class Growth {
  readonly #leaf: Leaf;
  readonly #budget: () => number;
  readonly #startPages: number;
  readonly #movedShare: number;
  #lastPages: number;
  /** What the rows themselves need, as far as known: longer values make the file grow, too, and nothing can be done about that. */
  #neededPages: number;
  #vacuuming = false;
  /** Why more dead rows cannot be cleared, as last seen. */
  #inTheWay: string | null = null;

  /**
   * @param movedShare of the rows: those that are written to another page.
   * @param budget share by which the file may grow, asked each time.
   */
  constructor(leaf: Leaf, startPages: number, movedShare: number, budget: () => number) {
    this.#leaf = leaf;
    this.#budget = budget;
    this.#startPages = Math.max(1, startPages);
    this.#movedShare = movedShare;
    this.#lastPages = this.#startPages;
    this.#neededPages = this.#startPages;
  }

  /** After a window. One worker at a time vacuums, the others go on. @param db not in a transaction. */
  async check(db: Queryable): Promise<void> {
    if (this.#vacuuming) return;
    const pages = await this.#pages(db);
    if (pages - this.#lastPages < this.#startPages * this.#step()) return;
    this.#vacuuming = true;
    try {
      await this.#vacuum(db);
      this.#lastPages = pages;
      if (this.#isOver(pages)) {
        this.#inTheWay = await oldestTransaction(db);
        if (this.#inTheWay === null) this.#neededPages = pages / (1 + this.#budget());
      }
    } finally {
      this.#vacuuming = false;
    }
  }

  /** One that does not get its lock, or is cancelled by somebody, is left out: the next one does its work, too. */
  async #vacuum(db: Queryable): Promise<void> {
    try {
      await db.query(`VACUUM (${OPTIONS}) ${this.#leaf.name}`);
    } catch (error) {
      if (!isRetryable(error) && codeOf(error) !== sqlState.queryCanceled) throw error;
    }
  }

  /** For the throttle: a transaction keeps dead rows, and the file has grown by more than it may. */
  async reason(db: Queryable): Promise<string | null> {
    if (this.#inTheWay === null) return null;
    const pages = await this.#pages(db);
    this.#inTheWay = this.#isOver(pages) ? await oldestTransaction(db) : null;
    if (this.#inTheWay === null) {
      // What was in the way has gone: what it kept is cleared before more is added.
      this.#lastPages = 0;
      return null;
    }
    const grown = Math.round((pages / this.#startPages - 1) * 100);
    return `${this.#leaf.name} has grown by ${grown} % and ${this.#inTheWay} keeps its dead rows`;
  }

  /**
   * By how much the file grows between two vacuums. Each frees what was walked since the last one, so the space to be
   * used again becomes larger by one step each time: n steps have room for n * n / 2 of them.
   */
  #step(): number {
    return (this.#budget() * AIM) ** 2 / (2 * this.#movedShare);
  }

  #isOver(pages: number): boolean {
    return pages > this.#neededPages * (1 + this.#budget());
  }

  async #pages(db: Queryable): Promise<number> {
    const { pages } = await one<{ pages: number }>(
      db,
      `SELECT (coalesce(pg_catalog.pg_relation_size($1::oid), 0) / pg_catalog.current_setting('block_size')::int)::float8 AS pages`,
      [this.#leaf.oid],
    );
    return pages;
  }
}

/** The session of this database whose old snapshot keeps dead rows, in words; null when there is none. */
async function oldestTransaction(db: Queryable): Promise<string | null> {
  const [row] = await all<{ pid: number; name: string; age: string }>(
    db,
    `SELECT pid, application_name AS name, pg_catalog.to_char(extract(epoch FROM pg_catalog.clock_timestamp() - xact_start), 'FM999999990') AS age
     FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()
       AND backend_type = 'client backend' AND xact_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${OLD_MS / 1_000})
     ORDER BY pg_catalog.age(backend_xmin) DESC LIMIT 1`,
  );
  return row
    ? `the transaction of pid ${row.pid} (${row.name || 'no application name'}), open for ${row.age} s,`
    : null;
}

/** Whether the role may vacuum it; otherwise PostgreSQL skips it with a warning and autovacuum has to do. */
export async function mayVacuum(db: Queryable, leaf: Leaf): Promise<boolean> {
  const [found] = await all<{ may: boolean }>(
    db,
    `SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') OR (SELECT pg_catalog.pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database())
       OR (pg_catalog.current_setting('server_version_num')::int >= 170000
           AND pg_catalog.has_table_privilege(c.oid, CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 170000 THEN 'MAINTAIN' ELSE 'SELECT' END)) AS may
     FROM pg_class c WHERE c.oid = $1::oid`,
    [leaf.oid],
  );
  return found?.may ?? false;
}
