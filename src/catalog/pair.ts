import type { GuardedKey } from '../domain/facts.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { mapInTurn } from '../domain/in-turn.ts';
import { ASIDE, type Side } from '../domain/pair.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { isHashableKey } from './hashable-key.ts';
import { TREE } from './tree.ts';

/** Where a table and two of its columns are now, by what the catalogue numbers them. */
export interface PairPlace {
  readonly table: QualifiedName | null;
  readonly columns: Readonly<Record<Side, string | null>>;
}

/** What tables and columns of these numbers are called now; null for what is gone. */
export async function placeOf(
  db: Queryable,
  table: number,
  numbers: Readonly<Record<Side, number>>,
): Promise<PairPlace> {
  const [row] = await all<{ schema: string; name: string; from: string | null; to: string | null }>(
    db,
    `SELECT n.nspname AS schema, c.relname AS name,
       (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = $2 AND NOT attisdropped) AS "from",
       (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = $3 AND NOT attisdropped) AS "to"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`,
    [table, numbers.from, numbers.to],
  );
  return row === undefined
    ? { table: null, columns: { from: null, to: null } }
    : { table: { schema: row.schema, name: row.name }, columns: { from: row.from, to: row.to } };
}

/** Statements that bring a table and two of its columns back to where a rename looks for them, as far as one can. */
export function wayBack(
  { table, columns }: PairPlace,
  wanted: QualifiedName,
  names: Readonly<Record<Side, string>>,
): string[] {
  if (table === null) return [];
  const moved = { schema: wanted.schema, name: table.name };
  return [
    ...(table.schema === wanted.schema
      ? []
      : [`ALTER TABLE ${quoteQualified(table)} SET SCHEMA ${quoteIdent(wanted.schema)}`]),
    ...(table.name === wanted.name
      ? []
      : [`ALTER TABLE ${quoteQualified(moved)} RENAME TO ${quoteIdent(wanted.name)}`]),
    ...namesBack(columns, names).map(
      ([before, after]) =>
        `ALTER TABLE ${quoteQualified(wanted)} RENAME COLUMN ${quoteIdent(before)} TO ${quoteIdent(after)}`,
    ),
  ];
}

/** Which columns have to get which names, in an order in which each is free. */
function namesBack(columns: PairPlace['columns'], names: Readonly<Record<Side, string>>): [string, string][] {
  const { from, to } = columns;
  const moves = (['from', 'to'] as const).flatMap((side): [string, string][] => {
    const name = columns[side];
    return name === null || name === names[side] ? [] : [[name, names[side]]];
  });
  if (from === names.to && to === names.from)
    return [
      [from, ASIDE],
      [to, names.to],
      [ASIDE, names.from],
    ];
  return to === names.from ? moves.reverse() : moves;
}

/** Unique indexes on a column of a table, its partitions and its children that are checked at once: what contended inserts are guarded by. */
export async function guardedKeys(db: Queryable, table: number, column: number): Promise<GuardedKey[]> {
  const rows = await all<Omit<GuardedKey, 'hashable'> & { on: QualifiedName }>(
    db,
    `${TREE} SELECT coalesce(co.conname, c.relname) AS name, jsonb_build_object('schema', tn.nspname, 'name', t.relname) AS on, ARRAY(SELECT pg_get_indexdef(c.oid, k, false) FROM generate_series(1, i.indnkeyatts) AS k) AS keys,
       pg_get_expr(i.indpred, i.indrelid) AS predicate, coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS "nullsNotDistinct"
     FROM tree JOIN pg_index i ON i.indrelid = tree.oid JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_class t ON t.oid = tree.oid JOIN pg_namespace tn ON tn.oid = t.relnamespace
     JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = (SELECT attname FROM pg_attribute WHERE attrelid = $1::oid AND attnum = $2)
     LEFT JOIN pg_constraint co ON co.conindid = c.oid AND co.conrelid = i.indrelid AND co.contype IN ('p', 'u')
     WHERE i.indisunique AND i.indimmediate AND i.indislive AND NOT ${NEEDS_PATH('c.oid')} AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)
       AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS (
         SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
           AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))
     ORDER BY c.oid`,
    [table, column],
  );
  return mapInTurn(rows, async ({ on, ...key }) => ({ ...key, hashable: await isHashableKey(db, on, key.keys) }));
}

/** MD5 of the bodies of functions, those that are there, by signature with schema and types of arguments. */
export async function bodiesOf(db: Queryable, signatures: readonly string[]): Promise<Record<string, string>> {
  const rows = await all<{ signature: string; md5: string }>(
    db,
    `SELECT wanted.signature, md5(p.prosrc) AS md5 FROM unnest($1::text[]) AS wanted(signature)
     JOIN pg_proc p ON p.oid = to_regprocedure(wanted.signature)`,
    [signatures],
  );
  return Object.fromEntries(rows.map(({ signature, md5 }) => [signature, md5]));
}

/** MD5 of the definitions of triggers, those that are there, each by what messages call it. `on` is quoted SQL. */
export async function triggerDefinitions(
  db: Queryable,
  triggers: readonly { readonly name: string; readonly on: string }[],
): Promise<Record<string, string>> {
  const rows = await all<{ trigger: string; md5: string }>(
    db,
    `SELECT 'trigger ' || quote_ident(t.tgname) || ' of ' || t.tgrelid::regclass::text AS trigger, md5(pg_get_triggerdef(t.oid)) AS md5
     FROM jsonb_to_recordset($1::jsonb) AS wanted(name text, "on" text) JOIN pg_trigger t ON t.tgname = wanted.name AND t.tgrelid = to_regclass(wanted.on)`,
    [JSON.stringify(triggers)],
  );
  return Object.fromEntries(rows.map(({ trigger, md5 }) => [trigger, md5]));
}

/** SQL that is true for an index whose expressions call functions that find what they need by the search path of their caller. */
export const NEEDS_PATH = (index: string): string => `EXISTS (
    SELECT FROM pg_catalog.pg_depend fd JOIN pg_catalog.pg_proc fp ON fp.oid = fd.refobjid JOIN pg_catalog.pg_language fl ON fl.oid = fp.prolang
    WHERE fd.classid = 'pg_class'::regclass AND fd.objid = ${index} AND fd.refclassid = 'pg_proc'::regclass AND fl.lanname NOT IN ('internal', 'c')
      AND NOT EXISTS (SELECT FROM unnest(fp.proconfig) AS setting WHERE setting LIKE 'search_path=%'))`;

/** Sequences that are dropped with a column, qualified and quoted; an identity's own is none. */
export async function sequencesOf(db: Queryable, on: string, column: string): Promise<string[]> {
  const rows = await all<{ sequence: string }>(
    db,
    `SELECT quote_ident(n.nspname) || '.' || quote_ident(s.relname) AS sequence FROM pg_catalog.pg_attribute a
     JOIN pg_catalog.pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
       AND d.refobjsubid = a.attnum AND d.deptype = 'a'
     JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
     WHERE a.attrelid = to_regclass($1) AND a.attname = $2 ORDER BY 1`,
    [on, column],
  );
  return rows.map(({ sequence }) => sequence);
}

/** Partitions in which one of two columns has another default than in the table. */
export function ownDefaults(
  db: Queryable,
  table: number,
  columns: readonly [string, string],
): Promise<{ on: string; column: string; whole: string | null }[]> {
  return all(
    db,
    `${TREE},
     defaults AS (SELECT tree.oid, a.attname, pg_get_expr(d.adbin, d.adrelid) AS expression FROM tree
       JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = ANY ($2) AND NOT a.attisdropped AND a.attidentity = ''
       LEFT JOIN pg_attrdef d ON d.adrelid = tree.oid AND d.adnum = a.attnum)
     SELECT leaf.oid::regclass::text AS on, leaf.attname AS column, whole.expression AS whole
     FROM defaults leaf JOIN defaults whole ON whole.oid = $1::oid AND whole.attname = leaf.attname
     WHERE leaf.expression IS DISTINCT FROM whole.expression ORDER BY 1, 2`,
    [table, columns],
  );
}
