import { all, type Queryable } from '../postgres/queryable.ts';
import { bodyOf } from './read-body.ts';
import { TREE } from './tree.ts';

interface TriggerRow {
  name: string;
  on: string;
  definition: string;
  source: string;
  language: string;
}

/** A BEFORE row trigger whose function gives one of two columns a value, and not the other. */
export interface ChangingTrigger {
  readonly name: string;
  /** The table or partition that it is on. */
  readonly on: string;
  readonly column: string;
}

/**
 * Triggers of the application that fire before a row is written and change one of two columns of it alone, for certain. What the function does
 * without naming the column is not seen. A backfill that was killed has left its own, which the next one takes away.
 */
export async function readChangingTriggers(
  db: Queryable,
  table: number,
  columns: readonly [string, string],
  ours: readonly string[],
): Promise<ChangingTrigger[]> {
  const rows = await all<TriggerRow>(
    db,
    `${TREE}
     SELECT t.tgname AS name, t.tgrelid::regclass::text AS on, pg_get_functiondef(p.oid) AS definition, p.prosrc AS source, l.lanname AS language
     FROM tree JOIN pg_trigger t ON t.tgrelid = tree.oid AND NOT t.tgisinternal AND t.tgparentid = 0 AND NOT t.tgname = ANY ($2)
     JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace IS DISTINCT FROM to_regnamespace('phase') JOIN pg_language l ON l.oid = p.prolang
     WHERE t.tgtype & 1 = 1 AND t.tgtype & 2 = 2 AND t.tgtype & 20 <> 0 AND l.lanname = 'plpgsql' ORDER BY 1`,
    [table, ours],
  );
  const found: ChangingTrigger[] = [];
  for (const { name, on, definition, source, language } of rows) {
    const assigned = (await bodyOf(definition, source, language))?.assignedFields ?? [];
    const changed = columns.filter((column) => assigned.includes(column));
    if (changed.length === 1 && changed[0] !== undefined) found.push({ name, on, column: changed[0] });
  }
  return found;
}
