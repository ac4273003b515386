import { sqlQualified, sqlQuoted } from '../postgres/names.ts';
import { all, type LedgerDb, type Queryable } from '../postgres/queryable.ts';
import { grantOf, isTrusted, ME } from '../postgres/trust.ts';
import { treeOf } from './tree.ts';

/** Something that the role may not do and a rename needs, and the statement by which somebody who may lets it. */
export interface MissingRight {
  /** Such as `create functions in the schema app`. */
  readonly what: string;
  readonly grant: string;
}

const ROLE = sqlQuoted('current_user::text');
const owns = (owner: string): string => `pg_catalog.pg_has_role(${owner}, 'USAGE')`;
const relation = (oid: string): string =>
  `(SELECT ${sqlQualified('rn', 'rc')} FROM pg_catalog.pg_class rc JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace WHERE rc.oid = ${oid})`;

/**
 * A superuser may do everything, and what its statements read of another role's table can run code of that role: a table that is bound to the column has to be of
 * a role that may do what the owner of its table may, or of one that is trusted.
 */
const RIGHTS = `${treeOf('$1::oid')},
  bound AS (
    SELECT oid, 'alter the table ' AS what FROM tree
    UNION SELECT conrelid, 'alter the referencing table ' FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid = $1::oid
      AND (SELECT attnum FROM pg_catalog.pg_attribute WHERE attrelid = $1::oid AND attname = $2) = ANY (confkey)
    UNION SELECT r.ev_class, 'replace the view ' FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
      JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::oid AND a.attname = $2 AND a.attnum = d.refobjsubid
      WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND r.ev_class <> $1::oid)
  SELECT b.what || ${relation('b.oid')} AS what, ${grantOf('c.relowner')} AS "grant"
  FROM bound b JOIN pg_catalog.pg_class c ON c.oid = b.oid
  WHERE NOT ${owns('c.relowner')} OR c.relkind IN ('r', 'p') AND NOT ${isTrusted('c.relowner', ME)}
    AND NOT pg_catalog.pg_has_role(c.relowner, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1::oid), 'MEMBER')
  UNION ALL
  SELECT DISTINCT 'create in the schema ' || ${sqlQuoted('n.nspname')}, 'GRANT CREATE, USAGE ON SCHEMA ' || ${sqlQuoted('n.nspname')} || ' TO ' || ${ROLE}
  FROM bound b JOIN pg_catalog.pg_class c ON c.oid = b.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE')
  UNION ALL
  SELECT 'reference and lock the table ' || ${relation('co.confrelid')}, 'GRANT REFERENCES, UPDATE ON ' || ${relation('co.confrelid')} || ' TO ' || ${ROLE}
  FROM pg_catalog.pg_constraint co JOIN pg_catalog.pg_attribute a ON a.attrelid = co.conrelid AND a.attname = $2 AND a.attnum = ANY (co.conkey)
  WHERE co.contype = 'f' AND co.conrelid = $1::oid AND NOT (pg_catalog.has_table_privilege(co.confrelid, 'REFERENCES') AND pg_catalog.has_table_privilege(co.confrelid, 'UPDATE, DELETE, TRUNCATE'))
  UNION ALL
  SELECT CASE WHEN own.oid IS NULL THEN 'create the schema ' || ${sqlQuoted('$4::text')} ELSE 'create in the schema ' || ${sqlQuoted('$4::text')} END,
    CASE WHEN own.oid IS NULL THEN 'GRANT CREATE ON DATABASE ' || ${sqlQuoted('d.datname')} ELSE 'GRANT CREATE, USAGE ON SCHEMA ' || ${sqlQuoted('$4::text')} END || ' TO ' || ${ROLE}
  FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_namespace own ON own.nspname = $4 WHERE d.datname = pg_catalog.current_database()
    AND NOT CASE WHEN own.oid IS NULL THEN pg_catalog.has_database_privilege(d.oid, 'CREATE') ELSE pg_catalog.has_schema_privilege(own.oid, 'CREATE') END
  UNION ALL
  SELECT 'make temporary tables', 'GRANT TEMPORARY ON DATABASE ' || ${sqlQuoted('pg_catalog.current_database()::text')} || ' TO ' || ${ROLE}
  WHERE $3 AND NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')
  ORDER BY 1`;

/** The same of functions that get a version of their own, which replaces them. @param procedures with the types of their arguments. */
export function readForeignFunctions(db: Queryable, procedures: readonly string[]): Promise<MissingRight[]> {
  return all(
    db,
    `SELECT 'replace the function ' || p.oid::regprocedure::text AS what, ${grantOf('p.proowner')} AS "grant"
     FROM pg_catalog.pg_proc p WHERE p.oid IN (SELECT pg_catalog.to_regprocedure(given)::oid FROM pg_catalog.unnest($1::text[]) AS given) AND NOT ${owns('p.proowner')} ORDER BY 1`,
    [procedures],
  );
}

/**
 * What the role of the session may not do and needs for a rename of a column, from the first phase to the last.
 * @param drafts the wizard asks: it lets PostgreSQL rewrite definitions on temporary tables.
 */
export function readMissingRights(
  db: LedgerDb,
  { table, column, drafts }: { readonly table: number | string; readonly column: string; readonly drafts: boolean },
): Promise<MissingRight[]> {
  return all(db, RIGHTS, [table, column, drafts, db.ledgerSchema]);
}
