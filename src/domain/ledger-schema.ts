/** The schema of the ledger where the configuration names none. */
export const DEFAULT_LEDGER_SCHEMA = 'phase';

/**
 * SQL that is true for the schema of a ledger, of this application or another one in the same database: told by its table, since its name is the
 * configuration's. What is in it is not the application's. As an array, which PostgreSQL reads once for a statement.
 * @param namespace oid of the schema.
 */
export function holdsLedger(namespace: string): string {
  return `${namespace} = ANY (ARRAY(SELECT ours.relnamespace FROM pg_catalog.pg_class ours
    JOIN pg_catalog.pg_attribute served ON served.attrelid = ours.oid AND served.attname = 'served_before' WHERE ours.relname = 'ledger' AND ours.relkind = 'r'))`;
}
