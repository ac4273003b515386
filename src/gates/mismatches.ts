import { countRows } from '../data/count.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { outOfStep, type Rename } from '../domain/rename.ts';
import type { Queryable } from '../postgres/queryable.ts';

/** Rows whose two columns hold different bytes. */
export function countMismatches(db: Queryable, rename: Rename): Promise<number> {
  return countRows(
    [db],
    quoteQualified(rename.table),
    outOfStep(rename, quoteIdent(rename.from), quoteIdent(rename.to)),
  );
}
