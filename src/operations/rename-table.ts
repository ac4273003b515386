import type { Knex } from 'knex';
import { unseen } from '../catalog/two-names.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteIdent, quoteLiteral, quoteQualified } from '../domain/identifier.ts';
import { takeBackDefaults } from '../postgres/default-privileges.ts';
import { contextOf } from './context.ts';
import { execute, runAll, runSql } from './execute.ts';

interface RenamedTable {
  /** The table by its old name, schema and name quoted. */
  readonly on: string;
  /** Its new name, not qualified, not quoted. */
  readonly to: string;
}

/** What a view of the old name has to have. */
interface OldTable extends QualifiedName {
  readonly columns: readonly string[];
  readonly owner: string;
  readonly secured: boolean;
  readonly version: number;
  /** What follows GRANT. */
  readonly grants: readonly string[];
}

/**
 * Gives a table another name, and leaves a view of the old one: releases that know the old name read and write through it, with the rights that they have. Catalogue changes
 * only, in the transaction of the caller.
 * @throws PH2035 where a view would let its users see rows that policies hide.
 */
export async function renameTable(knex: Knex, { on, to }: RenamedTable): Promise<void> {
  await execute(knex, `LOCK TABLE ${on} IN ACCESS EXCLUSIVE MODE`);
  const table = await readTable(knex, on);
  await execute(knex, `ALTER TABLE ${on} RENAME TO ${quoteIdent(to)}`);
  if (table !== null) await makeView(knex, on, { ...table, name: to });
}

/** Undoes `renameTable`. */
export async function renameTableBack(knex: Knex, { on, to }: RenamedTable): Promise<void> {
  const renamed = beside(on, to);
  await execute(knex, `LOCK TABLE ${renamed} IN ACCESS EXCLUSIVE MODE`);
  await dropView(knex, on);
  const name = on.slice(schemaOf(on).length + 1);
  await execute(knex, `ALTER TABLE ${renamed} RENAME TO ${name}`);
}

/** Drops the view of the old name, which no release knows any more. @throws PH2035 which names what uses it. */
export async function dropOldName(knex: Knex, { on }: RenamedTable): Promise<void> {
  await dropView(knex, on);
}

/** Undoes `dropOldName`. */
export async function createOldName(knex: Knex, { on, to }: RenamedTable): Promise<void> {
  const table = await readTable(knex, beside(on, to));
  if (table !== null) await makeView(knex, on, table);
}

/** `"schema"` of a table that is quoted so. */
const schemaOf = (on: string): string => /^"(?:[^"]|"")*"/.exec(on)?.[0] ?? '';
const beside = (on: string, name: string): string => `${schemaOf(on)}.${quoteIdent(name)}`;

async function makeView(knex: Knex, on: string, table: OldTable): Promise<void> {
  const { columns, owner, version, secured, grants } = table;
  const hasInvoker = version >= 150_000;
  if (secured && !hasInvoker) throw new PhaseError('PH2035', { table: on, objects: [unseen(on)] });
  const named = quoteQualified(table);
  await runAll(knex, [
    `CREATE VIEW ${on}${hasInvoker ? ' WITH (security_invoker = true)' : ''} AS SELECT ${columns.map(quoteIdent).join(', ')} FROM ${named}`,
    `ALTER VIEW ${on} OWNER TO ${owner}`,
    // Before 15 whoever got the view by default privileges would see a table that is not his.
    takeBackDefaults('TABLE', on),
    `COMMENT ON VIEW ${on} IS ${quoteLiteral(`The old name of ${named}, for releases that know no other.`)}`,
    ...grants.map((grant) => grant.replace('{table}', () => on)),
  ]);
}

/** Nothing in a dry run that looks before the table is there. */
async function readTable(knex: Knex, on: string): Promise<OldTable | null> {
  const [row] = await runSql<OldTable>(
    knex,
    `SELECT n.nspname AS schema, c.relname AS name, quote_ident(r.rolname) AS owner, c.relrowsecurity AS secured, current_setting('server_version_num')::int AS version,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns,
       ARRAY(SELECT acl.privilege_type || ' ON {table} TO ' || CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
               || CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
             FROM aclexplode(c.relacl) AS acl WHERE acl.grantee <> c.relowner AND acl.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') ORDER BY 1) ||
       ARRAY(SELECT acl.privilege_type || ' (' || quote_ident(a.attname) || ') ON {table} TO ' || CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
               || CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
             FROM pg_attribute a, aclexplode(a.attacl) AS acl WHERE a.attrelid = c.oid AND NOT a.attisdropped AND acl.grantee <> c.relowner AND acl.privilege_type IN ('SELECT', 'INSERT', 'UPDATE') ORDER BY 1) AS grants
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = to_regclass($1)`,
    [on],
  );
  return row === undefined ? null : { ...row, grants: row.grants.map((grant) => `GRANT ${grant}`) };
}

async function dropView(knex: Knex, on: string): Promise<void> {
  const users = await runSql<{ object: string }>(
    knex,
    `SELECT DISTINCT coalesce(pg_describe_object('pg_class'::regclass, w.ev_class, 0), pg_describe_object(d.classid, d.objid, d.objsubid)) AS object
     FROM pg_depend d LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
     WHERE d.refclassid IN ('pg_class'::regclass, 'pg_type'::regclass) AND d.deptype IN ('n', 'a')
       AND d.refobjid IN (SELECT c.oid FROM pg_class c WHERE c.oid = to_regclass($1) UNION SELECT c.reltype FROM pg_class c WHERE c.oid = to_regclass($1))
       AND w.ev_class IS DISTINCT FROM to_regclass($1)::oid ORDER BY 1`,
    [on],
  );
  if (users.length > 0 && !contextOf(knex).dryRun) {
    const reason = 'it uses the old name, which goes';
    const instead = 'Make it anew on the table by its new name, or drop it.';
    throw new PhaseError('PH2035', { table: on, objects: users.map(({ object }) => ({ object, reason, instead })) });
  }
  await execute(knex, `DROP VIEW IF EXISTS ${on}`);
}
