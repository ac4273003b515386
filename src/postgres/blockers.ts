import { quoteLiteral } from '../domain/identifier.ts';
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

interface PreparedRow {
  gid: string;
  owner: string;
  age: string;
}

/**
 * Transactions that were prepared and not ended hold their locks without any session; among these is always that of their own number.
 * Source: https://www.postgresql.org/docs/current/view-pg-locks.html
 */
const PREPARED = `
  SELECT DISTINCT x.gid, x.owner, to_char(extract(epoch FROM clock_timestamp() - x.prepared), 'FM999999990.0') AS age
  FROM pg_locks wanted JOIN pg_locks held ON held.granted AND held.pid IS NULL AND held.locktype = wanted.locktype
    AND held.database IS NOT DISTINCT FROM wanted.database AND held.relation IS NOT DISTINCT FROM wanted.relation
    AND held.transactionid IS NOT DISTINCT FROM wanted.transactionid
  JOIN pg_locks own ON own.pid IS NULL AND own.virtualtransaction = held.virtualtransaction AND own.locktype = 'transactionid'
  JOIN pg_prepared_xacts x ON x.transaction = own.transactionid
  WHERE wanted.pid = $1 AND NOT wanted.granted`;

/** Who a backend waits for, in words: pid, application, age of the transaction, query; or a transaction that was prepared. */
async function blockersOf(db: Queryable, pid: number): Promise<string[]> {
  const { rows } = await db.query<BlockerRow>(BLOCKERS, [pid]);
  const prepared = await db.query<PreparedRow>(PREPARED, [pid]);
  return [
    ...rows.map(
      (row) =>
        `pid ${row.pid} (${row.application_name || 'no application name'}, ${row.state}, transaction open for ${row.age} s): ${row.query}`,
    ),
    ...prepared.rows.map(
      ({ gid, owner, age }) =>
        `the transaction ${quoteLiteral(gid)}, which ${owner} prepared ${age} s ago and nobody has ended (ROLLBACK PREPARED or COMMIT PREPARED ${quoteLiteral(gid)})`,
    ),
  ];
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
