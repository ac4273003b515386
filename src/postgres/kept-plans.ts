import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Queryable } from './queryable.ts';

/** What a session of ours has prepared: it stays for the next transaction. */
interface Kept {
  /** How the names begin; another one once somebody has discarded them. */
  readonly beginning: string;
  readonly names: Set<string>;
}

const keptBy = new WeakMap<Queryable, Kept>();
/** Those that are in `withKeptPlans` now. */
const keepingNow = new WeakSet<Queryable>();
let beginnings = 0;

const newlyKept = (): Kept => ({ beginning: `triphase_${beginnings++}_`, names: new Set() });

/**
 * Runs something that asks the catalogue the same again and again, such as of each table of a change, in a transaction of a session of our own; never behind a
 * pooler, which may give the next transaction another session. Each question is planned once: planning is most of what a look into the catalogue costs, and
 * other sessions wait for the locks that are held meanwhile. Only what `all` and `one` ask with values is prepared.
 * Source: https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES
 */
export async function withKeptPlans<T>(db: Queryable, body: () => Promise<T>): Promise<T> {
  const kept = keptBy.get(db) ?? newlyKept();
  const { rows } = await db.query<{ there: number }>(
    `SELECT pg_catalog.count(*)::pg_catalog.int4 AS there, pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)
     FROM pg_catalog.pg_prepared_statements WHERE pg_catalog.starts_with(name, $1)`,
    [kept.beginning],
  );
  // A migration may have discarded what its session had, of which the driver does not know.
  keptBy.set(db, rows[0]?.there === kept.names.size ? kept : newlyKept());
  keepingNow.add(db);
  try {
    return await body();
  } finally {
    keepingNow.delete(db);
  }
}

/** A question as the session is asked: by the name of its plan; null where none is kept. */
export function keptPlan(db: Queryable, text: string, values: unknown[] | undefined): pg.QueryConfig | null {
  const kept = keepingNow.has(db) && values !== undefined ? keptBy.get(db) : undefined;
  if (kept === undefined) return null;
  const name = `${kept.beginning}${createHash('md5').update(text).digest('hex')}`;
  kept.names.add(name);
  return { name, text, values };
}
