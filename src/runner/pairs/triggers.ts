import { readChangingTriggers } from '../../catalog/changing-triggers.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { type Rename, syncTriggers } from '../../domain/rename.ts';
import type { RefusedChange } from '../../planner/rename/follow.ts';
import type { Queryable } from '../../postgres/queryable.ts';

/**
 * Triggers that change one column of a pair alone, where the sync has no trigger after them: it was scaffolded when there was none, and what they change
 * would not reach the other column.
 */
export async function changedByTriggers(db: Queryable, rename: Rename, table: number): Promise<RefusedChange[]> {
  if (rename.sync.last !== null) return [];
  const ours = [...syncTriggers(rename.sync, 1), ...syncTriggers(rename.sync, 2)];
  const triggers = await readChangingTriggers(db, table, [rename.from, rename.to], ours);
  return triggers.flatMap(({ name, on, column }) => {
    if (column === null) return [];
    const other = column === rename.from ? rename.to : rename.from;
    return {
      what: `the trigger ${quoteIdent(name)} of ${on} gives ${column} a value, which ${other} does not get`,
      instead: `Let its function give both the same value (NEW.${quoteIdent(other)} := NEW.${quoteIdent(column)} after it) until phase 3, or make the trigger after phase 3.`,
    };
  });
}
