import type { QualifiedName } from '../domain/identifier.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import type { MissingRight } from './rights.ts';

/**
 * Roles that may write one table and lack what its triggers need on another one: these run with the rights of whoever writes. Superusers and owners of the other table
 * lack nothing.
 * @param privileges that the triggers need, on the whole table.
 */
export function readLackingWriters(
  db: Queryable,
  {
    written,
    needed,
    privileges,
  }: { readonly written: QualifiedName; readonly needed: QualifiedName; readonly privileges: readonly string[] },
): Promise<MissingRight[]> {
  return all<MissingRight>(
    db,
    `SELECT pg_catalog.lower(lacking.privilege) || ' ' || $2 || ', as the role ' || r.rolname || ', which writes ' || $1 AS what,
       pg_catalog.format('GRANT %s ON %s TO %I', lacking.privilege, $2::text, r.rolname) AS "grant"
     FROM pg_catalog.pg_roles r CROSS JOIN pg_catalog.unnest($3::text[]) AS lacking(privilege)
     WHERE r.rolname NOT LIKE 'pg\\_%' AND NOT r.rolsuper
       AND (pg_catalog.has_any_column_privilege(r.oid, pg_catalog.to_regclass($1), 'INSERT, UPDATE'))
       AND NOT pg_catalog.has_table_privilege(r.oid, pg_catalog.to_regclass($2), lacking.privilege)
     UNION ALL
     SELECT 'use the schema ' || n.nspname || ', as the role ' || r.rolname || ', which writes ' || $1, pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, r.rolname)
     FROM pg_catalog.pg_roles r CROSS JOIN pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = pg_catalog.to_regclass($2) AND r.rolname NOT LIKE 'pg\\_%' AND NOT r.rolsuper
       AND pg_catalog.has_any_column_privilege(r.oid, pg_catalog.to_regclass($1), 'INSERT, UPDATE') AND NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
     ORDER BY 1`,
    [quoteQualified(written), quoteQualified(needed), [...privileges]],
  );
}
