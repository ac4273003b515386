import type { Knex } from 'knex';
import { readColumn } from '../catalog/column.ts';
import { addColumnStatements, columnDefinition } from '../domain/add-column.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { COPIED_ATTRIBUTES, OF_ANY_TYPE } from '../domain/pair.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { copyAttributes } from './attributes.ts';
import { addColumnToChildren } from './children.ts';
import { execute, onConnection, runAll, runSql } from './execute.ts';
import { ensureWithinRewriteLimit } from './rewrite-limit.ts';

export interface ColumnLike {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** The column to add. */
  readonly column: string;
  /** The column that it is to be like. */
  readonly like: string;
}

/**
 * Adds a column that is what another one is now: type, collation, default, storage, compression, statistics target, options, comment and
 * privileges, on the table and on each partition. In the transaction of the caller. Not its constraints.
 * @throws PH2013 when PostgreSQL reads or writes each row for it, and the table is too large.
 */
export async function addColumnLike(knex: Knex, { on, column, like }: ColumnLike): Promise<void> {
  const [table] = await runSql<{ oid: string; schema: string; name: string }>(
    knex,
    `SELECT c.oid::int8::text AS oid, n.nspname AS schema, c.relname AS name FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [on],
  );
  if (table === undefined) return execute(knex, `LOCK TABLE ${on} IN ACCESS EXCLUSIVE MODE`);
  const facts = await onConnection(knex, (db) =>
    underQualifiedNames(db, () => readColumn(db, Number(table.oid), table, like)),
  );
  if (facts.rewrites) await ensureWithinRewriteLimit(knex, on);
  await addColumnToChildren(knex, { on, column, like, definition: columnDefinition(facts) });
  await runAll(knex, addColumnStatements(on, quoteIdent(column), facts));
  await copyAttributes(knex, { on, from: like, to: column }, COPIED_ATTRIBUTES);
}

export interface ColumnOfType extends ColumnLike {
  /** As PostgreSQL prints it. */
  readonly type: string;
}

/**
 * Adds a column of another type in the place of one: with its privileges, labels, comment, statistics target and options, so that whoever reads the whole table
 * still may; without a default, since the sync fills it. In the transaction of the caller.
 */
export async function addColumnOfType(knex: Knex, { on, column, like, type }: ColumnOfType): Promise<void> {
  await addColumnToChildren(knex, { on, column, like, definition: type });
  await execute(knex, `ALTER TABLE ${on} ADD COLUMN ${quoteIdent(column)} ${type}`);
  await copyAttributes(knex, { on, from: like, to: column }, OF_ANY_TYPE);
}
