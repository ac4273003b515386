import pg from 'pg';

/** What one run of a method took. */
export interface Measured {
  readonly rowsASecond: number;
  /** Size of the heap after it by the size before it; the same of the indexes, null without any. */
  readonly heap: number;
  readonly indexes: number | null;
  readonly walMegabytes: number;
  /** Milliseconds that a transaction with row locks was open. */
  readonly lock: { readonly p50: number; readonly p99: number; readonly longest: number };
  /** Seconds of this process. */
  readonly clientCpu: number;
}

/** Milliseconds of every transaction, and of every UPDATE outside one, of all connections of this process. */
class LockClock {
  readonly times: number[] = [];
  readonly #original = pg.Client.prototype.query;

  start(): void {
    const { times } = this;
    const original = this.#original;
    const begun = new WeakMap<pg.Client, number>();
    // biome-ignore lint/suspicious/noExplicitAny: the overloads of query cannot be said in one
    (pg.Client.prototype as any).query = function query(this: pg.Client, ...args: any[]): unknown {
      const text = typeof args[0] === 'string' ? args[0].trimStart() : '';
      const at = performance.now();
      // biome-ignore lint/suspicious/noExplicitAny: passed through
      const result = (original as any).apply(this, args);
      if (!(result instanceof Promise)) return result;
      // Ours go together with BEGIN, and the COMMIT with the checkpoint.
      const isUpdate = /^(UPDATE t |WITH batch |BEGIN;.*UPDATE ONLY "public"."t" )/s.test(text);
      if (isUpdate && !begun.has(this)) begun.set(this, at);
      return result.then((value) => {
        const since = begun.get(this);
        const isEnd = text.endsWith('COMMIT') || text === 'UPDATE t SET new = old';
        if (since !== undefined && isEnd) {
          times.push(performance.now() - since);
          begun.delete(this);
        }
        return value;
      });
    };
  }

  stop(): void {
    pg.Client.prototype.query = this.#original;
  }
}

/** Runs something that changes every row of `t`. */
export async function measure(db: pg.Client, rows: number, body: () => Promise<void>): Promise<Measured> {
  await db.query('CHECKPOINT');
  const before = await sizes(db);
  const clock = new LockClock();
  const cpu = process.cpuUsage();
  const began = performance.now();
  clock.start();
  try {
    await body();
  } finally {
    clock.stop();
  }
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const after = await sizes(db);
  const { left } = (await db.query('SELECT count(*)::int AS left FROM t WHERE old IS DISTINCT FROM new')).rows[0];
  if (left !== 0) throw new Error(`${left} rows were left.`);
  const sorted = clock.times.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return {
    rowsASecond: Math.round(rows / seconds),
    heap: after.heap / before.heap,
    indexes: before.indexes === 0 ? null : after.indexes / before.indexes,
    walMegabytes: Math.round((after.wal - before.wal) / 1e6),
    lock: { p50: at(0.5), p99: at(0.99), longest: at(1) },
    clientCpu: (user + system) / 1e6,
  };
}

async function sizes(db: pg.Client): Promise<{ heap: number; indexes: number; wal: number }> {
  const { rows } = await db.query(
    `SELECT pg_relation_size('t')::float8 AS heap, pg_indexes_size('t')::float8 AS indexes, (pg_current_wal_insert_lsn() - '0/0')::float8 AS wal`,
  );
  return rows[0];
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** The same in another order each time: no form always comes after the same one. */
export function rotated<T>(items: readonly T[], time: number): T[] {
  const at = time % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
