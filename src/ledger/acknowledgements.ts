import { all, type LedgerDb } from '../postgres/queryable.ts';
import { isoTime } from '../postgres/time.ts';
import { ledgerOf } from './connection.ts';

/** What somebody has looked at of a rename, as gates call it: it holds no step up any more. */
export async function readAcknowledged(db: LedgerDb, rename: string): Promise<Set<string>> {
  const rows = await all<{ object: string }>(
    db,
    `SELECT object FROM ${ledgerOf(db)}.acknowledgements WHERE rename = $1`,
    [rename],
  );
  return new Set(rows.map(({ object }) => object));
}

export interface Acknowledgement {
  readonly rename: string;
  readonly object: string;
  readonly why: string;
}

/** Keeps that somebody has looked at an object, and why it need not be carried over. @returns who did, and when. */
export async function acknowledge(
  db: LedgerDb,
  { rename, object, why }: Acknowledgement,
): Promise<{ by: string; at: string }> {
  const [row] = await all<{ by: string; at: string }>(
    db,
    `INSERT INTO ${ledgerOf(db)}.acknowledgements (rename, object, why) VALUES ($1, $2, $3)
     ON CONFLICT (rename, object) DO UPDATE SET why = excluded.why, acknowledged_by = excluded.acknowledged_by, acknowledged_at = excluded.acknowledged_at
     RETURNING acknowledged_by AS by, ${isoTime('acknowledged_at')} AS at`,
    [rename, object, why],
  );
  return row ?? { by: '', at: '' };
}
