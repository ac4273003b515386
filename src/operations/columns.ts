import type { Knex } from 'knex';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { runSql } from '../postgres/knex.ts';
import { execute } from './execute.ts';

/** Whether a table has a column. */
export async function hasColumn(knex: Knex, on: string, column: string): Promise<boolean> {
  const rows = await runSql(
    knex,
    `SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(${quoteLiteral(on)}) AND attname = ${quoteLiteral(column)} AND NOT attisdropped`,
  );
  return rows.length > 0;
}

export interface ReplacedColumn {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** The column to drop. */
  readonly column: string;
  /** The column that has taken its place, and that takes the name of its NOT NULL constraint. */
  readonly replacedBy: string;
}

/**
 * Drops a column, and leaves the name of its NOT NULL constraint (PostgreSQL 18 gives them names) to the column that
 * replaces it. One statement, so that a dry run prints all of it.
 */
export async function dropReplacedColumn(knex: Knex, { on, column, replacedBy }: ReplacedColumn): Promise<void> {
  const nameOf = (name: string) =>
    `(SELECT co.conname FROM pg_constraint co JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = co.conkey[1]
    WHERE co.conrelid = ${quoteLiteral(on)}::regclass AND co.contype = 'n' AND a.attname = ${quoteLiteral(name)})`;
  const body = `DECLARE
  original name := ${nameOf(column)};
  derived name := ${nameOf(replacedBy)};
BEGIN
  ALTER TABLE ${on} DROP COLUMN ${quoteIdent(column)};
  IF original IS NOT NULL AND derived IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', ${quoteLiteral(on)}, derived, original);
  END IF;
END`;
  await execute(knex, `DO ${quoteLiteral(body)}`);
}
