import { all, type LedgerDb, one } from '../postgres/queryable.ts';
import { isoTime } from '../postgres/time.ts';
import { ledgerOf } from './connection.ts';

/** That somebody has approved a migration as it was then. */
export interface Approval {
  readonly migration: string;
  readonly sha256: string;
  readonly by: string;
  readonly authors: readonly string[];
  readonly at: string;
}

/** All of them, in the order in which they came. @param format of the ledger; before 8 there were none. */
export async function readApprovals(db: LedgerDb, format: number): Promise<Approval[]> {
  if (format < 8) return [];
  return all(
    db,
    `SELECT migration, sha256, approved_by AS by, authors, ${isoTime('approved_at')} AS at FROM ${ledgerOf(db)}.approvals ORDER BY approved_at, migration, approved_by`,
  );
}

/** @returns when it was approved: by the same person once. */
export async function recordApproval(
  db: LedgerDb,
  { migration, sha256, by, authors }: Omit<Approval, 'at'>,
): Promise<string> {
  const { at } = await one<{ at: string }>(
    db,
    `INSERT INTO ${ledgerOf(db)}.approvals (migration, sha256, approved_by, authors) VALUES ($1, $2, $3, $4)
     ON CONFLICT (migration, sha256, approved_by) DO UPDATE SET authors = excluded.authors RETURNING ${isoTime('approved_at')} AS at`,
    [migration, sha256, by, authors],
  );
  return at;
}
