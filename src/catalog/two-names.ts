import type { UnsupportedObject } from '../domain/facts.ts';
import type { QualifiedName } from '../domain/identifier.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';

/** What of a table goes by its name, or does not see that a view of another name stands for it. */
export interface TwoNames {
  /** Row level security, on a server whose views see what their owner sees. */
  readonly isUnseen: boolean;
  /** What releases, or subscribers, may use and cannot by way of a view. */
  readonly bound: readonly UnsupportedObject[];
  /** Functions that its triggers run and that are told the name of the table. */
  readonly told: readonly string[];
}

/** Before 15 a view looks with the rights of its owner. */
export const unseen = (table: string): UnsupportedObject => ({
  object: `row level security of ${table}`,
  reason: 'before PostgreSQL 15 a view sees the rows that its owner sees, whatever the policies say of whoever asks',
  instead: 'Leave the name, or rename it in a maintenance window.',
});

/** Under qualified names. @param table its number. */
export async function readTwoNames(
  db: Queryable,
  { oid, name }: QualifiedName & { readonly oid: number },
): Promise<TwoNames> {
  const { isUnseen, functions, publications, told } = await one<{
    isUnseen: boolean;
    functions: string[];
    publications: string[];
    told: string[];
  }>(
    db,
    `SELECT c.relrowsecurity AND current_setting('server_version_num')::int < 150000 AS "isUnseen",
       ARRAY(SELECT p.oid::regprocedure::text FROM pg_proc p WHERE c.reltype = ANY (p.proargtypes::oid[]) ORDER BY 1) AS functions,
       ARRAY(SELECT p.pubname::text FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE r.prrelid = c.oid
             UNION SELECT p.pubname::text FROM pg_publication p WHERE p.puballtables ORDER BY 1) AS publications,
       ARRAY(SELECT DISTINCT p.oid::regprocedure::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
             WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND p.prosrc ~* '\\mtg_(table_name|relname)\\M' ORDER BY 1) AS told
     FROM pg_class c WHERE c.oid = $1::oid`,
    [oid],
  );
  return {
    isUnseen,
    bound: [
      ...functions.map((signature) => ({
        object: `function ${signature}`,
        reason: `it takes a row of the table, and those of a view called ${name} are of another type`,
        instead: 'Let releases call it by the new name of the table alone, or give it columns.',
      })),
      ...publications.map((publication) => ({
        object: `publication ${publication}`,
        reason: 'subscribers find their table by its name',
        instead: 'Rename the table at the subscribers at the same moment.',
      })),
    ],
    told,
  };
}

/** Names of relations and types of a schema. */
export async function namesOf(db: Queryable, schema: string): Promise<string[]> {
  const rows = await all<{ name: string }>(
    db,
    `SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1
     UNION SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = $1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}
