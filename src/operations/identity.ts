import type { Knex } from 'knex';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { takeBackDefaults } from '../postgres/default-privileges.ts';
import { execute, runAll, runSql } from './execute.ts';

export interface MovedIdentity {
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly from: string;
  readonly to: string;
}

interface Identity {
  kind: string;
  type: string;
  sequence: string;
  increment: string;
  min: string;
  max: string;
  start: string;
  cache: string;
  cycle: boolean;
  comment: string | null;
  grants: string[];
}

/**
 * Moves an identity from one column to another: the sequence keeps its name, its options, its privileges and its place.
 * PostgreSQL has no statement for it, so the old one is dropped and a new one made, in the transaction of the caller, which
 * holds the table's lock. Nothing when the column has none.
 */
export async function moveIdentity(knex: Knex, { on, from, to }: MovedIdentity): Promise<void> {
  const [identity] = await runSql<Identity>(knex, IDENTITY, [on, from]);
  if (identity === undefined) return;
  const { kind, sequence, increment, start, cache, cycle, comment, grants } = identity;
  // Takes a lock that nextval has to wait for, so that no value is drawn between reading and dropping.
  await execute(knex, `ALTER SEQUENCE ${sequence} CACHE ${cache}`);
  const [place] = await runSql<{ last: string; called: boolean }>(
    knex,
    `SELECT last_value::text AS last, is_called AS called FROM ${sequence}`,
  );
  await execute(knex, `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(from)} DROP IDENTITY`);
  await execute(
    knex,
    `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(to)} ADD GENERATED ${kind} AS IDENTITY (SEQUENCE NAME ${sequence} INCREMENT BY ${increment} ${await limitsOf(knex, { on, from, to }, identity)} START WITH ${start} CACHE ${cache}${cycle ? ' CYCLE' : ''})`,
  );
  await runSql(
    knex,
    `SELECT pg_catalog.setval(${quoteLiteral(sequence)}, ${place?.last ?? start}, ${place?.called ?? false})`,
  );
  if (comment !== null) await execute(knex, `COMMENT ON SEQUENCE ${sequence} IS ${quoteLiteral(comment)}`);
  await runAll(knex, [takeBackDefaults('SEQUENCE', sequence), ...grants]);
}

const LEAST: Readonly<Record<string, string>> = {
  smallint: '-32768',
  integer: '-2147483648',
  bigint: '-9223372036854775808',
};
const GREATEST: Readonly<Record<string, string>> = {
  smallint: '32767',
  integer: '2147483647',
  bigint: '9223372036854775807',
};

/** Where they are those of the type they become those of the other column's, as when a type is altered. */
async function limitsOf(knex: Knex, { on, to }: MovedIdentity, { type, min, max }: Identity): Promise<string> {
  const [column] = await runSql<{ type: string }>(
    knex,
    'SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2',
    [on, to],
  );
  const next = column?.type ?? type;
  const least = min === LEAST[type] ? (LEAST[next] ?? min) : min;
  const greatest = max === GREATEST[type] ? (GREATEST[next] ?? max) : max;
  return `MINVALUE ${least} MAXVALUE ${greatest}`;
}

const IDENTITY = `
  SELECT CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END AS kind,
    quote_ident(n.nspname) || '.' || quote_ident(s.relname) AS sequence, format_type(q.seqtypid, NULL) AS type,
    q.seqincrement::text AS increment, q.seqmin::text AS min, q.seqmax::text AS max, q.seqstart::text AS start, q.seqcache::text AS cache, q.seqcycle AS cycle,
    obj_description(s.oid, 'pg_class') AS comment,
    ARRAY(SELECT format('GRANT %s ON SEQUENCE %I.%I TO %s%s', acl.privilege_type, n.nspname, s.relname,
        CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END, CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
      FROM aclexplode(s.relacl) AS acl WHERE acl.grantee <> s.relowner ORDER BY 1) AS grants
  FROM pg_attribute a
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
    AND d.refobjsubid = a.attnum AND d.deptype = 'i'
  JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
  JOIN pg_sequence q ON q.seqrelid = s.oid
  WHERE a.attrelid = to_regclass($1) AND a.attname = $2 AND a.attidentity <> ''`;
