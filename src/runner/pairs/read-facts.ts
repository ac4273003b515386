import { findTable } from '../../catalog/find-table.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { partsOf, type Rename, wholeOf } from '../../domain/rename.ts';
import type { OtherColumn } from '../../objects/sources.ts';
import { readTableFacts, type TableFacts } from '../../objects/table-facts.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';

/** Which of the two columns definitions are read from, to be rewritten for the other one. */
type Direction = 'to new' | 'back';

/**
 * What hangs on a column of a change that is under way, its definitions rewritten for its other column; where they name columns of other parts of the change these
 * are the others, too.
 */
export async function readFactsOf(
  db: LedgerDb,
  changes: ReadonlyMap<string, Rename>,
  change: Rename,
  direction: Direction,
): Promise<TableFacts> {
  const others: OtherColumn[] = [];
  for (const part of partsOf(changes.values(), wholeOf(change))) {
    if (part.name === change.name) continue;
    others.push({ table: await findTable(db, quoteQualified(part.table)), ...namesOf(part, direction) });
  }
  const table = await findTable(db, quoteQualified(change.table));
  return readTableFacts(db, table, { ...namesOf(change, direction), others });
}

const namesOf = ({ from, to, retype }: Rename, direction: Direction) =>
  direction === 'to new' ? { from, to, retype } : { from: to, to: from, retype: null };
