import { all, type LedgerDb } from '../postgres/queryable.ts';
import { isoTime } from '../postgres/time.ts';
import { ledgerOf } from './connection.ts';

/** The last count of a rename's rows whose two columns differ. */
export interface CountedMismatches {
  readonly mismatches: number;
  readonly countedAt: string;
}

/** Undefined where nobody has counted. The ledger has to be there. */
export async function lastMismatches(db: LedgerDb, rename: string): Promise<CountedMismatches | undefined> {
  const [row] = await all<CountedMismatches>(
    db,
    `SELECT mismatches::float8 AS mismatches, ${isoTime('counted_at')} AS "countedAt"
     FROM ${ledgerOf(db)}.mismatches WHERE rename = $1`,
    [rename],
  );
  return row;
}

/** Keeps the last count of a rename's mismatches. */
export async function recordMismatches(db: LedgerDb, rename: string, mismatches: number): Promise<void> {
  await db.query(
    `INSERT INTO ${ledgerOf(db)}.mismatches (rename, mismatches) VALUES ($1, $2)
     ON CONFLICT (rename) DO UPDATE SET mismatches = excluded.mismatches, counted_at = clock_timestamp()`,
    [rename, mismatches],
  );
}
