import { holdsLedger } from '../domain/ledger-schema.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import type { Body } from './bodies.ts';
import { bodyOf } from './read-body.ts';
import { TREE } from './tree.ts';
import { argumentsOf, assignsRow } from './trigger-sources.ts';

interface TriggerRow {
  name: string;
  on: string;
  definition: string;
  source: string;
  language: string;
  /** Whether it is one of PostgreSQL's own that give the column of their first argument a value. */
  fills: boolean;
  arguments: string;
}

/** A BEFORE row trigger whose function gives one of two columns a value, and not the other. */
export interface ChangingTrigger {
  readonly name: string;
  /** The table or partition that it is on. */
  readonly on: string;
  /** Null where it gives the row another value as a whole, and may change either. */
  readonly column: string | null;
}

/**
 * Triggers of the application that fire before a row is written and change one of two columns of it alone, or may: what is written in another language
 * cannot be read. A backfill that was killed has left its own, which the next one takes away.
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
     SELECT t.tgname AS name, t.tgrelid::regclass::text AS on, CASE WHEN l.lanname = 'plpgsql' THEN pg_get_functiondef(p.oid) ELSE '' END AS definition,
       p.prosrc AS source, l.lanname AS language, encode(t.tgargs, 'hex') AS arguments,
       p.prosrc IN ('tsvector_update_trigger_byid', 'tsvector_update_trigger_bycolumn') AND l.lanname = 'internal' AS fills
     FROM tree JOIN pg_trigger t ON t.tgrelid = tree.oid AND NOT t.tgisinternal AND t.tgparentid = 0 AND NOT t.tgname = ANY ($2)
     JOIN pg_proc p ON p.oid = t.tgfoid AND NOT ${holdsLedger('p.pronamespace')} JOIN pg_language l ON l.oid = p.prolang
     WHERE t.tgtype & 1 = 1 AND t.tgtype & 2 = 2 AND t.tgtype & 20 <> 0 ORDER BY 1`,
    [table, ours],
  );
  const found: ChangingTrigger[] = [];
  for (const row of rows) {
    const assigned = await assignedBy(row);
    const changed = columns.filter((column) => assigned.includes(column));
    const { name, on } = row;
    if (changed.length === 1 && changed[0] !== undefined) found.push({ name, on, column: changed[0] });
    else if (changed.length === 0 && row.language !== 'internal' && (await assignsRow(row)))
      found.push({ name, on, column: null });
  }
  return found;
}

/** Columns of the row that a trigger gives a value by their names. */
async function assignedBy(row: TriggerRow): Promise<readonly string[]> {
  if (row.fills) return argumentsOf(row).slice(0, 1);
  const body = await bodyOf(row.definition, row.source, row.language);
  return body === null
    ? []
    : body.assignedFields.filter(({ record }) => isWritten(body, record)).map(({ name }) => name);
}

/** NEW, by whatever name, or a record that is returned instead. */
function isWritten({ aliases, returnedVariables }: Body, record: string): boolean {
  return (aliases.get(record) ?? record) === 'new' || returnedVariables.includes(record);
}
