import type { Knex } from 'knex';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { runSql } from '../postgres/knex.ts';
import { notNullName } from './constraints.ts';
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
  readonly on: string;
  /** The column to drop. */
  readonly column: string;
  /** The column that has taken its place, and that takes the name of its NOT NULL constraint. */
  readonly replacedBy: string;
}

/** Drops a column, and leaves the name of its NOT NULL constraint (PostgreSQL 18) to the column that replaces it. */
export async function dropReplacedColumn(knex: Knex, { on, column, replacedBy }: ReplacedColumn): Promise<void> {
  const name = await notNullName(knex, on, column);
  const now = await notNullName(knex, on, replacedBy);
  await execute(knex, `ALTER TABLE ${on} DROP COLUMN ${quoteIdent(column)}`);
  if (name !== null && now !== null) {
    await execute(knex, `ALTER TABLE ${on} RENAME CONSTRAINT ${quoteIdent(now)} TO ${quoteIdent(name)}`);
  }
}
