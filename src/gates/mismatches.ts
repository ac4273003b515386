import { countRows } from '../data/count.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { converted, differs, outOfStep, type Rename } from '../domain/rename.ts';
import type { Queryable } from '../postgres/queryable.ts';

/**
 * Rows whose two columns are not in step: that hold different bytes; of a change of type, where the new one is not what the old one becomes.
 * @param phase the last one that has run. In the second one of a change of type the old column follows, by a conversion that may lose something: either direction is
 *   enough, and a row without an old value has none to differ.
 */
export function countMismatches(db: Queryable, change: Rename, phase: 1 | 2): Promise<number> {
  const { table, from, to, type, byteEqual, retype } = change;
  const [first, second] = [quoteIdent(from), quoteIdent(to)];
  if (retype === null || phase === 1) return countRows([db], quoteQualified(table), outOfStep(change, first, second));
  const back = `CAST((${converted(retype.back, first)}) AS ${type})`;
  // One after the other: what has come back as a value has a way back, and what has none is not asked for it.
  const where = `CASE WHEN ${second} IS NOT DISTINCT FROM NULL OR NOT (${outOfStep(change, second, first)}) THEN false ELSE ${differs(second, back, byteEqual)} END`;
  return countRows([db], quoteQualified(table), where);
}
