import { ownDefaults } from '../../catalog/pair.ts';
import type { ColumnFacts } from '../../domain/facts.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import type { Rename } from '../../domain/rename.ts';
import type { RefusedChange } from '../../planner/rename/follow.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import { changedByTriggers } from './triggers.ts';

/** What cannot be followed and does not show in the columns' own attributes. @param column the old one. */
export async function refusedBesides(
  db: Queryable,
  rename: Rename,
  table: number,
  column: ColumnFacts,
): Promise<RefusedChange[]> {
  return [
    ...(await changedByTriggers(db, rename, table)),
    ...otherComparison(rename, column),
    ...(await defaultsOfPartitions(db, rename, table)),
  ];
}

/** A type whose equality is not that of its bytes, where the sync was written for one whose equality is: it would pass over values that differ. */
function otherComparison(rename: Rename, { byteEqual, type }: ColumnFacts): RefusedChange[] {
  if (!rename.byteEqual || byteEqual) return [];
  return [
    {
      what: `values of ${type} may be equal and not the same, which those of ${rename.type} cannot be`,
      instead: 'Give the column that type after phase 3.',
    },
  ];
}

/** A default of a partition alone: the sync knows one for the whole table. */
async function defaultsOfPartitions(db: Queryable, rename: Rename, table: number): Promise<RefusedChange[]> {
  const found = await ownDefaults(db, table, [rename.from, rename.to]);
  return found.map(({ on, column, whole }) => ({
    what: `the partition ${on} has a default of its own for ${column}`,
    instead: `Give it that of the table until phase 3 has run: ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(column)} ${whole === null ? 'DROP DEFAULT' : `SET DEFAULT ${whole}`};`,
  }));
}
