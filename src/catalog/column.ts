import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ColumnFacts, ColumnPrivilege, DefaultFacts } from '../domain/facts.ts';
import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { inSavepoint } from '../postgres/transaction.ts';
import { closest } from './find-table.ts';

interface ColumnRow {
  number: number;
  type: string;
  type_name: string;
  type_schema: string;
  typtype: string;
  collation: string | null;
  deterministic: boolean;
  not_null: boolean;
  not_null_validated: boolean;
  not_null_name: string | null;
  storage: string | null;
  compression: string | null;
  statistics_target: number | null;
  options: string[] | null;
  owned_sequence: ColumnFacts['ownedSequence'];
  privileges: ColumnPrivilege[];
  comment: string | null;
  default_expression: string | null;
  generated: '' | 's' | 'v';
  generation: string | null;
  default_volatile: boolean;
  default_immutable: boolean;
  domain_default: string | null;
  domain_default_volatile: boolean;
  domain_default_immutable: boolean;
  toastable: boolean;
  rewrites: boolean;
  identity: boolean;
}

/** SQL that is true where a stored expression calls a function for which a condition on `p`, its row in pg_proc, is true. */
function calls(expression: string, condition: string): string {
  return `EXISTS (SELECT 1 FROM regexp_matches(${expression}::text, ':(?:funcid|opfuncid) (\\d+)', 'g') AS called(oids)
      JOIN pg_proc p ON p.oid = called.oids[1]::oid WHERE ${condition})`;
}

/** One that is stable and not PostgreSQL's own may read what the statement itself changes, row by row. */
const isVolatile = (expression: string): string =>
  calls(expression, `(p.provolatile = 'v' OR p.provolatile = 's' AND p.pronamespace <> 'pg_catalog'::regnamespace)`);

/** CURRENT_TIMESTAMP and the like are no functions, and a cast by the texts of two types may be anything. */
const isImmutable = (expression: string): string =>
  `NOT (${calls(expression, `p.provolatile <> 'i'`)} OR ${expression}::text ~ '\\{(SQLVALUEFUNCTION|COERCEVIAIO|NEXTVALUEEXPR) ')`;

/** The column, its type down to what a domain is based on, and its default. */
const COLUMN = (): string => `
  SELECT a.attnum::int AS number, format_type(a.atttypid, a.atttypmod) AS type,
    base.typname AS type_name, tn.nspname AS type_schema, base.typtype,
    CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
    coalesce(co.collisdeterministic, true) AS deterministic,
    a.attnotnull AS not_null,
    NOT EXISTS (SELECT 1 FROM pg_constraint co WHERE co.conrelid = a.attrelid AND co.contype = 'n' AND co.conkey = ARRAY[a.attnum]
      AND NOT co.convalidated) AS not_null_validated,
    (SELECT conname FROM pg_constraint co WHERE co.conrelid = a.attrelid AND co.contype = 'n' AND co.conkey = ARRAY[a.attnum]) AS not_null_name,
    CASE WHEN a.attstorage <> t.typstorage
      THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' WHEN 'm' THEN 'MAIN' END END AS storage,
    CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
    nullif(a.attstattarget, -1)::int AS statistics_target,
    a.attoptions AS options,
    (SELECT json_build_object('schema', sn.nspname, 'name', s.relname, 'type', (SELECT format_type(seqtypid, NULL) FROM pg_sequence WHERE seqrelid = s.oid))
     FROM pg_depend own JOIN pg_class s ON s.oid = own.objid AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
     WHERE own.classid = 'pg_class'::regclass AND own.refclassid = 'pg_class'::regclass AND own.refobjid = a.attrelid
       AND own.refobjsubid = a.attnum AND own.deptype = 'a' LIMIT 1) AS owned_sequence,
    (SELECT coalesce(json_agg(json_build_object('privilege', acl.privilege_type, 'grantable', acl.is_grantable,
       'grantee', CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END)
       ORDER BY acl.grantee::text, acl.privilege_type), '[]') FROM aclexplode(a.attacl) AS acl) AS privileges,
    col_description(a.attrelid, a.attnum) AS comment,
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default_expression,
    a.attgenerated AS generated, CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END AS generation,
    volatility.any AS default_volatile, volatility.none AS default_immutable, a.attidentity <> '' AS identity,
    domains.standing AS domain_default, coalesce(domains.volatile, false) AS domain_default_volatile, coalesce(domains.immutable, true) AS domain_default_immutable,
    coalesce(domains.constrained, false) OR a.attgenerated = 's' AS rewrites, base.typlen = -1 AND NOT coalesce(domains.not_null, false) AS toastable
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN LATERAL (
    WITH RECURSIVE chain(oid, base, level) AS (
      SELECT t.oid, t.typbasetype, 0
      UNION ALL SELECT b.oid, b.typbasetype, level + 1 FROM chain JOIN pg_type b ON b.oid = chain.base)
    SELECT max(chain.oid) FILTER (WHERE chain.base = 0) AS base,
      (array_agg(pg_get_expr(d.typdefaultbin, 0) ORDER BY level) FILTER (WHERE d.typdefaultbin IS NOT NULL))[1] AS standing,
      bool_or(d.typdefaultbin IS NOT NULL AND ${isVolatile('d.typdefaultbin')}) AS volatile,
      bool_and(d.typdefaultbin IS NULL OR ${isImmutable('d.typdefaultbin')}) AS immutable, bool_or(d.typnotnull) AS not_null,
      bool_or(d.typnotnull OR EXISTS (SELECT 1 FROM pg_constraint co WHERE co.contypid = d.oid)) AS constrained
    FROM chain JOIN pg_type d ON d.oid = chain.oid AND d.typtype = 'd' OR d.oid = chain.oid AND chain.base = 0
  ) AS domains ON true
  JOIN pg_type base ON base.oid = domains.base
  JOIN pg_namespace tn ON tn.oid = base.typnamespace
  LEFT JOIN pg_collation co ON co.oid = a.attcollation
  LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  JOIN LATERAL (SELECT ${isVolatile('d.adbin')} AS any, ${isImmutable('d.adbin')} AS none) AS volatility ON true
  WHERE a.attrelid = $1::oid AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped`;

/** Types whose equality is equality of their bytes. */
const BYTE_EQUAL = [
  'bool',
  'char',
  'int2',
  'int4',
  'int8',
  'oid',
  'uuid',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'bytea',
  'name',
];
/** The same, under a deterministic collation. */
const BYTE_EQUAL_TEXT = ['text', 'varchar'];

/**
 * Values that differ from user to user, or with the search path: inside the sync, which runs as its owner and under its own path, they would be
 * others.
 */
const SURROUNDINGS =
  /\b(current_user|session_user|current_role|user|current_schemas?|current_catalog|search_path)\b|::reg[a-z]+\b/i;

/** Names of a table's columns, in their order. */
export async function listColumns(db: Queryable, table: number): Promise<string[]> {
  const rows = await all<{ name: string }>(
    db,
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** The columns of a table with their types, as PostgreSQL prints them. */
export function listTypedColumns(db: Queryable, table: number): Promise<{ name: string; type: string }[]> {
  return all(
    db,
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
}

/** @throws PH1008 when the table has no such column. */
export async function readColumn(
  db: Queryable,
  table: number,
  tableName: QualifiedName,
  column: string,
): Promise<ColumnFacts> {
  const [row] = await all<ColumnRow>(db, COLUMN(), [table, column]);
  if (!row) {
    const close = closest(column, await listColumns(db, table));
    throw new PhaseError('PH1008', { table: quoteQualified(tableName), column, close });
  }
  return {
    name: column,
    number: row.number,
    type: row.type,
    collation: row.collation,
    byteEqual: isByteEqual(row),
    notNull: row.not_null,
    notNullValidated: row.not_null_validated,
    notNullName: row.not_null_name,
    default: await standing(db, row, row.default_expression, row.default_volatile, row.default_immutable),
    domainDefault:
      row.default_expression === null && row.generation === null
        ? await standing(db, row, row.domain_default, row.domain_default_volatile, row.domain_default_immutable)
        : null,
    toastable: row.toastable,
    rewrites: row.rewrites,
    identity: row.identity,
    generated: row.generation === null ? null : { expression: row.generation, stored: row.generated === 's' },
    ownedSequence: row.owned_sequence,
    storage: row.storage,
    compression: row.compression,
    statisticsTarget: row.statistics_target,
    options: row.options ?? [],
    comment: row.comment,
    privileges: row.privileges,
  };
}

function isByteEqual({ type_schema, type_name, typtype, deterministic }: ColumnRow): boolean {
  if (typtype === 'e') return true;
  if (type_schema !== 'pg_catalog') return false;
  return BYTE_EQUAL.includes(type_name) || (BYTE_EQUAL_TEXT.includes(type_name) && deterministic);
}

/**
 * A default that gives the same value throughout a transaction may stand on both columns. One that not every session can
 * evaluate, such as a setting that only some have or a function that needs the caller's search path, must not: a release that gives the value itself
 * would get its error.
 */
async function standing(
  db: Queryable,
  { type }: ColumnRow,
  expression: string | null,
  isVolatile: boolean,
  immutable: boolean,
): Promise<DefaultFacts | null> {
  if (expression === null) return null;
  const isOneSided =
    isVolatile || SURROUNDINGS.test(expression) || !(await evaluates(db, `CAST(${expression} AS ${type})`));
  return { expression, class: isOneSided ? 'volatile' : 'constant', immutable };
}

/** Whether the server can evaluate an expression, here and now. In a transaction. */
function evaluates(db: Queryable, expression: string): Promise<boolean> {
  return inSavepoint(db, () => db.query(`SELECT ${expression}`)).then(
    () => true,
    () => false,
  );
}
