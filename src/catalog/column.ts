import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ColumnFacts, ColumnPrivilege } from '../domain/facts.ts';
import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import type { DefaultClass } from '../domain/rename.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
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
  storage: string | null;
  compression: string | null;
  statistics_target: number | null;
  options: string[] | null;
  comment: string | null;
  default_expression: string | null;
  default_volatile: boolean;
}

/** Names that only a transaction of the catalogue's own makes volatile or user-dependent stand on one side only. */
const COLUMN = `
  SELECT a.attnum::int AS number, format_type(a.atttypid, a.atttypmod) AS type,
    t.typname AS type_name, tn.nspname AS type_schema, t.typtype,
    CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
    coalesce(co.collisdeterministic, true) AS deterministic,
    a.attnotnull AS not_null,
    CASE WHEN a.attstorage <> t.typstorage
      THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' WHEN 'm' THEN 'MAIN' END END AS storage,
    CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
    nullif(a.attstattarget, -1)::int AS statistics_target,
    a.attoptions AS options,
    col_description(a.attrelid, a.attnum) AS comment,
    pg_get_expr(d.adbin, d.adrelid) AS default_expression,
    coalesce(bool_or_volatile, false) AS default_volatile
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_namespace tn ON tn.oid = t.typnamespace
  LEFT JOIN pg_collation co ON co.oid = a.attcollation
  LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN LATERAL (
    SELECT bool_or(p.provolatile = 'v') AS bool_or_volatile
    FROM regexp_matches(d.adbin::text, ':(?:funcid|opfuncid) (\\d+)', 'g') AS called(oids)
    JOIN pg_proc p ON p.oid = called.oids[1]::oid
  ) AS volatility ON true
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

/** Values that differ from user to user: inside the sync, which runs as its owner, they would be another's. */
const USER_DEPENDENT = /\b(CURRENT_USER|SESSION_USER|CURRENT_ROLE|USER|CURRENT_SCHEMA|CURRENT_CATALOG)\b/;

/** Names of a table's columns, in their order. */
export async function listColumns(db: Queryable, table: number): Promise<string[]> {
  const rows = await all<{ name: string }>(
    db,
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** @throws PH1008 when the table has no such column. */
export async function readColumn(
  db: Queryable,
  table: number,
  tableName: QualifiedName,
  column: string,
): Promise<ColumnFacts> {
  const [row] = await all<ColumnRow>(db, COLUMN, [table, column]);
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
    hashable: await isHashable(db, row.type),
    notNull: row.not_null,
    default: row.default_expression === null ? null : { expression: row.default_expression, class: classOf(row) },
    ownedSequence: await ownedSequence(db, table, row.number),
    storage: row.storage,
    compression: row.compression,
    statisticsTarget: row.statistics_target,
    options: row.options ?? [],
    comment: row.comment,
    privileges: await privileges(db, table, row.number),
  };
}

function isByteEqual({ type_schema, type_name, typtype, deterministic }: ColumnRow): boolean {
  if (typtype === 'e') return true;
  if (type_schema !== 'pg_catalog') return false;
  return BYTE_EQUAL.includes(type_name) || (BYTE_EQUAL_TEXT.includes(type_name) && deterministic);
}

function classOf({ default_expression, default_volatile }: ColumnRow): DefaultClass {
  return default_volatile || USER_DEPENDENT.test(default_expression ?? '') ? 'volatile' : 'constant';
}

/** Whether the type has a hash function; asked of the server, since arrays and row types depend on their parts. */
async function isHashable(db: Queryable, type: string): Promise<boolean> {
  await db.query('SAVEPOINT hashable');
  try {
    await db.query(`SELECT pg_catalog.hash_record_extended(ROW(CAST(NULL AS ${type})), 0)`);
    return true;
  } catch {
    await db.query('ROLLBACK TO SAVEPOINT hashable');
    return false;
  } finally {
    await db.query('RELEASE SAVEPOINT hashable');
  }
}

async function ownedSequence(db: Queryable, table: number, column: number): Promise<QualifiedName | null> {
  const [row] = await all<QualifiedName>(
    db,
    `SELECT n.nspname AS schema, s.relname AS name
     FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
       AND d.refobjid = $1::oid AND d.refobjsubid = $2 AND d.deptype = 'a'`,
    [table, column],
  );
  return row ?? null;
}

async function privileges(db: Queryable, table: number, column: number): Promise<ColumnPrivilege[]> {
  return all<ColumnPrivilege>(
    db,
    `SELECT acl.privilege_type AS privilege, acl.is_grantable AS grantable,
       CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS grantee
     FROM pg_attribute a, aclexplode(a.attacl) AS acl
     WHERE a.attrelid = $1::oid AND a.attnum = $2
     ORDER BY acl.grantee::text, acl.privilege_type`,
    [table, column],
  );
}
