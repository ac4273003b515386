import { SCRATCH_ASIDE } from '../domain/facts.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { one, type Queryable } from '../postgres/queryable.ts';
import { withEventTriggers } from '../postgres/session.ts';

/** A temporary copy of a table's structure in which the column has its new name already. */
export interface Scratch {
  readonly oid: number;
  /** Schema-qualified and quoted, as PostgreSQL prints it. */
  readonly name: string;
}

/**
 * Lets PostgreSQL rewrite definitions: on a copy made with LIKE the column is renamed, and what it prints there names
 * the new column. Inside a transaction that the caller rolls back; takes ACCESS SHARE on the table only.
 * Source: https://www.postgresql.org/docs/current/sql-createtable.html (LIKE)
 */
export async function makeScratch(db: Queryable, table: QualifiedName & { readonly oid: number }): Promise<Scratch> {
  const name = `triphase_scratch_${table.oid}`;
  await run(db, `CREATE TEMPORARY TABLE pg_temp.${name} (LIKE ${quoteQualified(table)} INCLUDING ALL)`);
  const { oid } = await one<{ oid: string }>(db, `SELECT 'pg_temp.${name}'::regclass::oid::int8::text AS oid`);
  return { oid: Number(oid), name: `pg_temp.${name}` };
}

/** Gives the column its new name on the copy. */
export async function renameInScratch(db: Queryable, scratch: Scratch, from: string, to: string): Promise<void> {
  const { taken } = await one<{ taken: boolean }>(
    db,
    'SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = $1::oid AND attname = $2) AS taken',
    [scratch.oid, to],
  );
  // While a rename is under way the table has the new column already.
  if (taken) await run(db, `ALTER TABLE ${scratch.name} RENAME COLUMN ${quoteIdent(to)} TO "${SCRATCH_ASIDE}"`);
  await run(db, `ALTER TABLE ${scratch.name} RENAME COLUMN ${quoteIdent(from)} TO ${quoteIdent(to)}`);
}

async function run(db: Queryable, statement: string): Promise<void> {
  await withEventTriggers(db, () => db.query(statement));
}

/** SQL for a table's name as definitions print it: from 15 on the session's temporary schema goes by its alias. */
export function printedTable(namespace: string, table: string): string {
  return `CASE WHEN ${namespace}.oid = pg_my_temp_schema() AND current_setting('server_version_num')::int >= 150000 THEN 'pg_temp'
      ELSE quote_ident(${namespace}.nspname) END || '.' || quote_ident(${table}.relname)`;
}

/**
 * What follows a beginning that is known to the letter, since it was put together from the catalogue the way
 * PostgreSQL prints it. Null when the text begins otherwise: then it was not understood, and nothing is guessed.
 */
export function after(text: string, beginning: string): string | null {
  return text.startsWith(beginning) ? text.slice(beginning.length) : null;
}
