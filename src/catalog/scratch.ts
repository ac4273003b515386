import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { one, type Queryable } from '../postgres/queryable.ts';

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
export async function makeScratch(db: Queryable, table: QualifiedName): Promise<Scratch> {
  await db.query(`CREATE TEMPORARY TABLE triphase_scratch (LIKE ${quoteQualified(table)} INCLUDING ALL)`);
  const { oid, schema } = await one<{ oid: string; schema: string }>(
    db,
    `SELECT c.oid::int8::text AS oid, n.nspname AS schema
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = 'pg_temp.triphase_scratch'::regclass`,
  );
  return { oid: Number(oid), name: `${schema}.triphase_scratch` };
}

/** Gives the column its new name on the copy. */
export async function renameInScratch(db: Queryable, scratch: Scratch, from: string, to: string): Promise<void> {
  await db.query(`ALTER TABLE ${scratch.name} RENAME COLUMN ${quoteIdent(from)} TO ${quoteIdent(to)}`);
}

/**
 * What follows a beginning that is known to the letter, since it was put together from the catalogue the way
 * PostgreSQL prints it. Null when the text begins otherwise: then it was not understood, and nothing is guessed.
 */
export function after(text: string, beginning: string): string | null {
  return text.startsWith(beginning) ? text.slice(beginning.length) : null;
}
