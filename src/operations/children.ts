import type { Knex } from 'knex';
import { treeOf } from '../catalog/tree.ts';
import { changesOf, syncsOf } from '../domain/change.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { syncTriggers } from '../domain/rename.ts';
import { sqlQualified } from '../postgres/names.ts';
import { contextOf } from './context.ts';
import { execute, runAll, runSql } from './execute.ts';

/**
 * Children by plain inheritance have their parent's columns and none of its row triggers, and may define a column themselves besides, which then neither comes
 * nor goes with the parent's. `on` is a table, schema and name quoted.
 */
const CHILDREN = `${treeOf('to_regclass($1)::oid')},
  children AS (SELECT c.oid, ${sqlQualified('n', 'c')} AS name FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid AND NOT c.relispartition
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid <> to_regclass($1)::oid)`;

/** Gives the children of a table those of its triggers that they lack. @returns the children that lacked any. */
export async function triggerChildren(knex: Knex, on: string, names: readonly string[]): Promise<string[]> {
  const missing = await runSql<{ child: string; before: string; after: string; definition: string }>(
    knex,
    `${CHILDREN}
     SELECT children.name AS child, pg_catalog.pg_get_triggerdef(t.oid) AS definition,
       ' ON ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' FOR EACH ROW' AS before, ' ON ' || children.name || ' FOR EACH ROW' AS after
     FROM children CROSS JOIN pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE t.tgrelid = to_regclass($1) AND t.tgname = ANY ($2) AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_trigger own WHERE own.tgrelid = children.oid AND own.tgname = t.tgname)
     ORDER BY 1, t.tgname`,
    [on, names],
  );
  for (const { before, after, definition } of missing)
    await execute(
      knex,
      definition.replace(before, () => after),
    );
  return [...new Set(missing.map(({ child }) => child))];
}

/** Drops what `triggerChildren` has made, also on tables that inherit no more. */
export async function untriggerChildren(knex: Knex, on: string, name: string): Promise<void> {
  const copies = await runSql<{ on: string }>(
    knex,
    `SELECT ${sqlQualified('n', 'c')} AS on FROM pg_catalog.pg_trigger own
     JOIN pg_catalog.pg_trigger t ON t.tgfoid = own.tgfoid AND t.tgname = own.tgname AND t.tgrelid <> own.tgrelid AND t.tgparentid = 0
     JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE own.tgrelid = to_regclass($1) AND own.tgname = $2 ORDER BY 1`,
    [on, name],
  );
  await runAll(
    knex,
    copies.map((copy) => `DROP TRIGGER IF EXISTS ${quoteIdent(name)} ON ${copy.on}`),
  );
}

/** Whether a trigger is one that keeps two columns of the table in step. */
export function isOfSync(knex: Knex, on: string, name: string): boolean {
  return [...changesOf(contextOf(knex)).values()].some((change) =>
    syncsOf(change).some(
      ({ table, sync }) =>
        quoteQualified(table) === on && [...syncTriggers(sync, 1), ...syncTriggers(sync, 2)].includes(name),
    ),
  );
}

export interface ColumnOfChildren {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** The column to add. */
  readonly column: string;
  /** The column that it is to be like. */
  readonly like: string;
  /** What follows the column's name in ADD COLUMN. */
  readonly definition: string;
}

/** Adds a column to the children of a table that define the one which it is to be like themselves, before the table gets it. */
export async function addColumnToChildren(
  knex: Knex,
  { on, column, like, definition }: ColumnOfChildren,
): Promise<void> {
  const children = await definingChildren(knex, on, like);
  // Deepest first: a child's own is kept when the one of its parent comes.
  for (const child of children.reverse()) {
    await execute(knex, `ALTER TABLE ${child} ADD COLUMN ${quoteIdent(column)} ${definition}`);
  }
}

/** Drops a column of a table, also of children that define it themselves. */
export async function dropEverywhere(knex: Knex, on: string, column: string): Promise<void> {
  const children = await definingChildren(knex, on, column);
  const drop = (table: string): string => `ALTER TABLE ${table} DROP COLUMN ${quoteIdent(column)}`;
  await runAll(knex, [on, ...children].map(drop));
}

/** Children that define a column themselves, those that are nearest to the table first. */
async function definingChildren(knex: Knex, on: string, column: string): Promise<string[]> {
  const rows = await runSql<{ name: string }>(
    knex,
    `WITH RECURSIVE below(oid, level) AS (
       SELECT to_regclass($1)::oid, 0 UNION SELECT i.inhrelid, level + 1 FROM below JOIN pg_catalog.pg_inherits i ON i.inhparent = below.oid
       JOIN pg_catalog.pg_class child ON child.oid = i.inhrelid AND NOT child.relispartition)
     SELECT ${sqlQualified('n', 'c')} AS name FROM below JOIN pg_catalog.pg_class c ON c.oid = below.oid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $2 AND a.attislocal AND NOT a.attisdropped
     WHERE level > 0 GROUP BY 1 ORDER BY max(level), 1`,
    [on, column],
  );
  return rows.map(({ name }) => name);
}
