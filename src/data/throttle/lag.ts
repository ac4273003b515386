import { all, type Queryable } from '../../postgres/queryable.ts';

const MOST_SAMPLES = 4_096;

/**
 * How far replicas are behind, in time. PostgreSQL's own replay_lag stands still when a replica stops to answer, so the
 * time is measured here: when the primary was where the furthest replica is now.
 */
export class LagMeter {
  readonly #samples: { readonly at: number; readonly position: bigint }[] = [];

  /** Milliseconds that the furthest replica is behind; null without replicas, or where the role may not see them. */
  async measure(db: Queryable, now: number = performance.now()): Promise<number | null> {
    const [row] = await all<{ current: string; replayed: string | null }>(
      db,
      `SELECT (pg_catalog.pg_current_wal_lsn() - '0/0'::pg_lsn)::text AS current,
         (SELECT pg_catalog.min(replay_lsn - '0/0'::pg_lsn)::text FROM pg_stat_replication WHERE state IN ('streaming', 'catchup')) AS replayed`,
    );
    if (row === undefined || row.replayed === null) return null;
    return this.behind(BigInt(row.current), BigInt(row.replayed), now);
  }

  /** The same from two positions in the write-ahead log, in bytes. */
  behind(current: bigint, replayed: bigint, now: number): number {
    this.#samples.push({ at: now, position: current });
    while (this.#samples.length > 1 && (this.#samples[1]?.position ?? 0n) <= replayed) this.#samples.shift();
    if (this.#samples.length > MOST_SAMPLES) this.#samples.splice(1, 1);
    const [first, second] = this.#samples;
    if (first === undefined || replayed >= current) return 0;
    // The primary passed that place after the first sample; where even that one lies beyond it, at least so long ago.
    const passed = first.position <= replayed ? (second ?? first) : first;
    return Math.max(0, now - passed.at);
  }
}
