import { SCRATCH_ASIDE } from '../domain/facts.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { one, type Queryable } from '../postgres/queryable.ts';
import { withEventTriggers } from '../postgres/session.ts';

/** A temporary copy of a table's structure in which the column has its new name already. */
export interface Scratch {
  readonly oid: number;
  /** Schema-qualified and quoted, as PostgreSQL prints it. */
  readonly name: string;
  /** Names of its indexes and statistics objects, each in the order of those of the table: a change of type makes some of them anew. */
  readonly indexes: readonly string[];
  readonly statistics: readonly string[];
}

/**
 * Lets PostgreSQL rewrite definitions: on a copy made with LIKE the column is renamed, and what it prints there names
 * the new column. Inside a transaction that the caller rolls back; takes ACCESS SHARE on the table only.
 * Source: https://www.postgresql.org/docs/current/sql-createtable.html (LIKE)
 */
export async function makeScratch(
  db: Queryable,
  table: QualifiedName & { readonly oid: number },
  without = '',
): Promise<Scratch> {
  const name = `triphase_scratch_${table.oid}`;
  const like = `LIKE ${quoteQualified(table)} INCLUDING ALL${without}`;
  await run(db, `CREATE TEMPORARY TABLE pg_temp.${name} (${like})`);
  const row = await one<{ oid: string; indexes: string[]; statistics: string[] }>(
    db,
    `SELECT c.oid::int8::text AS oid,
       ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid ORDER BY x.oid) AS indexes,
       ARRAY(SELECT s.stxname::text FROM pg_statistic_ext s WHERE s.stxrelid = c.oid ORDER BY s.oid) AS statistics
     FROM pg_class c WHERE c.oid = 'pg_temp.${name}'::regclass`,
  );
  return { ...row, oid: Number(row.oid), name: `pg_temp.${name}` };
}

/** Gives the column its new name on the copy. */
export async function renameInScratch(
  db: Queryable,
  scratch: Scratch,
  { from, to, aside = SCRATCH_ASIDE }: { readonly from: string; readonly to: string; readonly aside?: string },
): Promise<void> {
  const { taken } = await one<{ taken: boolean }>(
    db,
    'SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = $1::oid AND attname = $2) AS taken',
    [scratch.oid, to],
  );
  // While a rename is under way the table has the new column already.
  if (taken) await run(db, `ALTER TABLE ${scratch.name} RENAME COLUMN ${quoteIdent(to)} TO "${aside}"`);
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
