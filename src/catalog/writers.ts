import type { QualifiedName } from '../domain/identifier.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import type { MissingRight } from './rights.ts';

interface WrittenTable {
  readonly written: QualifiedName;
  /** Of it, those whose writes fire its triggers. */
  readonly columns: readonly string[];
  /** Triggers of the change itself, which change nothing that does not fire them. */
  readonly ours: readonly string[];
  readonly needed: QualifiedName;
  /** What the triggers need, on the whole of the other table. */
  readonly privileges: readonly string[];
}

/**
 * Whether a role `r` fires the triggers: it may insert, or write one of the columns, or any where triggers of the application may change these before a row is written.
 */
const FIRES = `(pg_catalog.has_any_column_privilege(r.oid, written.oid, 'INSERT')
  OR EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = written.oid AND a.attnum > 0 AND NOT a.attisdropped
    AND (a.attname = ANY ($4) OR written.is_changed) AND pg_catalog.has_column_privilege(r.oid, written.oid, a.attnum, 'UPDATE')))`;

const ROLES = `written AS (SELECT pg_catalog.to_regclass($1)::oid AS oid,
    EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = pg_catalog.to_regclass($1) AND NOT t.tgisinternal AND t.tgtype & 3 = 3 AND t.tgname <> ALL ($5)) AS is_changed),
  roles AS (SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r, written WHERE r.rolname NOT LIKE 'pg\\_%' AND NOT r.rolsuper AND ${FIRES})`;

/**
 * Roles that may write one table so that its triggers fire, and lack what these need on another one: they run with the rights of whoever writes. Superusers and owners of
 * the other table lack nothing.
 */
export function readLackingWriters(
  db: Queryable,
  { written, columns, ours, needed, privileges }: WrittenTable,
): Promise<MissingRight[]> {
  return all<MissingRight>(
    db,
    `WITH ${ROLES}
     SELECT pg_catalog.lower(lacking.privilege) || ' ' || $2 || ', as the role ' || r.rolname || ', which writes ' || $1 AS what,
       pg_catalog.format('GRANT %s ON %s TO %I', lacking.privilege, $2::text, r.rolname) AS "grant"
     FROM roles r CROSS JOIN pg_catalog.unnest($3::text[]) AS lacking(privilege)
     WHERE NOT pg_catalog.has_table_privilege(r.oid, pg_catalog.to_regclass($2), lacking.privilege)
     UNION ALL
     SELECT 'use the schema ' || n.nspname || ', as the role ' || r.rolname || ', which writes ' || $1, pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, r.rolname)
     FROM roles r CROSS JOIN pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = pg_catalog.to_regclass($2) AND NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
     ORDER BY 1`,
    [quoteQualified(written), quoteQualified(needed), [...privileges], [...columns], [...ours]],
  );
}
