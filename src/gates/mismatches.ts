import { countRows } from '../data/count.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { differs, type Rename } from '../domain/rename.ts';
import type { Queryable } from '../postgres/queryable.ts';

/** Rows whose two columns hold different bytes. */
export function countMismatches(db: Queryable, rename: Rename): Promise<number> {
  return countRows(
    [db],
    quoteQualified(rename.table),
    differs(quoteIdent(rename.from), quoteIdent(rename.to), rename.byteEqual),
  );
}

/** Keeps the last count of a rename's mismatches. */
export async function recordMismatches(db: Queryable, rename: string, mismatches: number): Promise<void> {
  await db.query(
    `INSERT INTO phase.mismatches (rename, mismatches) VALUES ($1, $2)
     ON CONFLICT (rename) DO UPDATE SET mismatches = excluded.mismatches, counted_at = clock_timestamp()`,
    [rename, mismatches],
  );
}
