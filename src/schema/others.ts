import { encodeId, type StableId } from '@supabase/pg-delta';
import type { Queryable } from '../postgres/queryable.ts';
import type { LeftOut } from './facts.ts';

/** Where its statements go among the others. */
export type Stage = 'before tables' | 'after functions' | 'last';

/** Something of a schema that pg-delta does not model. */
export interface OtherObject {
  /** Such as `statistics shop.customers_stats`; what two schemas tell it by. */
  readonly name: string;
  /** The relation that it hangs on, as pg-delta encodes it: `table:shop.customers`. Null for one that stands by itself. */
  readonly on: string | null;
  /** The column that it hangs on, in the same way. */
  readonly column: string | null;
  /** The name of another one, which it goes with. */
  readonly within: string | null;
  readonly stage: Stage;
  readonly create: readonly string[];
  /** What takes it back, where what it hangs on stays. */
  readonly drop: readonly string[];
}

interface OtherRow {
  name: string;
  on: StableId | null;
  column: StableId | null;
  within?: string;
  create: (string | null)[];
  drop: (string | null)[];
}

const OWN = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> ALL ($1::text[])`;
const notOfExtension = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalog}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;
const comment = (what: string, name: string, oid: string, catalog: string) =>
  `'COMMENT ON ${what} ' || ${name} || ' IS ' || quote_literal(obj_description(${oid}, '${catalog}'))`;
/** As pg-delta identifies them. */
const relationId = `jsonb_build_object('kind', CASE c.relkind WHEN 'm' THEN 'materializedView' WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreignTable' ELSE 'table' END,
  'schema', n.nspname, 'name', c.relname)`;
const columnId = `jsonb_build_object('kind', 'column', 'schema', n.nspname, 'table', c.relname, 'name', a.attname)`;
const qualified = (schema: string, name: string) => `quote_ident(${schema}) || '.' || quote_ident(${name})`;

const STATISTICS = `
  SELECT 'statistics ' || s.qualified AS name, ${relationId} AS "on", NULL::jsonb AS "column",
    ARRAY[pg_get_statisticsobjdef(s.oid), 'ALTER STATISTICS ' || s.qualified || ' SET STATISTICS ' || nullif((to_jsonb(s) ->> 'stxstattarget')::int, -1),
      ${comment('STATISTICS', 's.qualified', 's.oid', 'pg_statistic_ext')}] AS "create",
    ARRAY['DROP STATISTICS IF EXISTS ' || s.qualified] AS "drop"
  FROM (SELECT x.*, ${qualified('x.stxnamespace::regnamespace::text', 'x.stxname')} AS qualified FROM pg_statistic_ext x) AS s
  JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND ${notOfExtension('pg_statistic_ext', 's.oid')}`;

const TABLE = `${qualified('n.nspname', 'c.relname')}`;
const COLUMN = `'ALTER TABLE ONLY ' || ${TABLE} || ' ALTER COLUMN ' || quote_ident(a.attname)`;
/** Partitions and children have their own. */
const COLUMNS = `FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
  WHERE ${OWN} AND n.nspname::text || '.' || c.relname::text <> ALL ($2::text[]) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm') AND ${notOfExtension('pg_class', 'c.oid')}`;
const STORAGE = (code: string) =>
  `CASE ${code} WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END`;

const COLUMN_SETTINGS = `
  SELECT 'storage of column ' || ${TABLE} || '.' || quote_ident(a.attname) AS name, ${relationId} AS "on", ${columnId} AS "column",
    ARRAY[${COLUMN} || ' SET STORAGE ' || ${STORAGE('a.attstorage')}] AS "create", ARRAY[${COLUMN} || ' SET STORAGE ' || ${STORAGE('t.typstorage')}] AS "drop"
  ${COLUMNS} AND a.attstorage <> t.typstorage
  UNION ALL
  SELECT 'compression of column ' || ${TABLE} || '.' || quote_ident(a.attname), ${relationId}, ${columnId},
    ARRAY[${COLUMN} || ' SET COMPRESSION ' || CASE a.attcompression WHEN 'p' THEN 'pglz' ELSE 'lz4' END], ARRAY[${COLUMN} || ' SET COMPRESSION DEFAULT']
  ${COLUMNS} AND a.attcompression <> ''
  UNION ALL
  SELECT 'statistics target of column ' || ${TABLE} || '.' || quote_ident(a.attname), ${relationId}, ${columnId},
    ARRAY[${COLUMN} || ' SET STATISTICS ' || a.attstattarget], ARRAY[${COLUMN} || ' SET STATISTICS -1']
  ${COLUMNS} AND a.attstattarget >= 0
  UNION ALL
  SELECT 'options of column ' || ${TABLE} || '.' || quote_ident(a.attname), ${relationId}, ${columnId},
    ARRAY[${COLUMN} || ' SET (' || array_to_string(ARRAY(SELECT o FROM unnest(a.attoptions) AS o ORDER BY o), ', ') || ')'],
    ARRAY[${COLUMN} || ' RESET (' || array_to_string(ARRAY(SELECT split_part(o, '=', 1) FROM unnest(a.attoptions) AS o ORDER BY o), ', ') || ')']
  ${COLUMNS} AND a.attoptions IS NOT NULL`;

/** Of columns that come from another table, which pg-delta takes to be as they are there. */
const INHERITED = `FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_inherits h ON h.inhrelid = c.oid JOIN pg_attribute p ON p.attrelid = h.inhparent AND p.attname = a.attname
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum LEFT JOIN pg_attrdef pd ON pd.adrelid = p.attrelid AND pd.adnum = p.attnum
  WHERE ${OWN} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount > 0 AND NOT a.attislocal AND a.attgenerated = ''`;
const PARENTS_DEFAULT = `coalesce(' SET DEFAULT ' || pg_get_expr(pd.adbin, pd.adrelid), ' DROP DEFAULT')`;
const INHERITED_COLUMNS = `
  SELECT 'default of inherited column ' || ${TABLE} || '.' || quote_ident(a.attname) AS name, ${relationId} AS "on", NULL::jsonb AS "column",
    ARRAY[${COLUMN} || coalesce(' SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ' DROP DEFAULT')] AS "create", ARRAY[${COLUMN} || ${PARENTS_DEFAULT}] AS "drop"
  ${INHERITED} AND pg_get_expr(d.adbin, d.adrelid) IS DISTINCT FROM pg_get_expr(pd.adbin, pd.adrelid)
  UNION ALL
  SELECT 'NOT NULL of inherited column ' || ${TABLE} || '.' || quote_ident(a.attname), ${relationId}, NULL::jsonb,
    ARRAY[${COLUMN} || ' SET NOT NULL'], ARRAY[${COLUMN} || ' DROP NOT NULL']
  ${INHERITED} AND a.attnotnull AND NOT p.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attnum = ANY (k.conkey))`;

/** Names of objects that are a column's NOT NULL begin with it. */
export const NOT_NULL_OF = 'NOT NULL of column ';

/** Those of which pg-delta knows no more than that they are there (18). */
const NOT_NULLS = `
  SELECT '${NOT_NULL_OF}' || ${TABLE} || '.' || quote_ident(a.attname) AS name, ${relationId} AS "on", ${columnId} AS "column",
    ARRAY['ALTER TABLE ' || ${TABLE} || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' NOT NULL ' || quote_ident(a.attname)
      || CASE WHEN k.connoinherit THEN ' NO INHERIT' ELSE '' END || CASE WHEN k.convalidated THEN '' ELSE ' NOT VALID' END,
      ${comment('CONSTRAINT', `quote_ident(k.conname) || ' ON ' || ${TABLE}`, 'k.oid', 'pg_constraint')}] AS "create",
    ARRAY['ALTER TABLE ' || ${TABLE} || ' DROP CONSTRAINT ' || quote_ident(k.conname)] AS "drop"
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
  WHERE ${OWN} AND n.nspname::text || '.' || c.relname::text <> ALL ($2::text[]) AND k.contype = 'n' AND k.conislocal AND (k.connoinherit OR NOT k.convalidated OR obj_description(k.oid, 'pg_constraint') IS NOT NULL)`;

const INDEXES = `FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = x.relnamespace
  WHERE ${OWN} AND n.nspname::text || '.' || c.relname::text <> ALL ($2::text[]) AND ${notOfExtension('pg_class', 'c.oid')}`;
const INDEX = `${qualified('n.nspname', 'x.relname')}`;
const INDEX_SETTINGS = `
  SELECT 'clustering of ' || ${TABLE} AS name, ${relationId} AS "on", NULL::jsonb AS "column",
    ARRAY['ALTER TABLE ' || ${TABLE} || ' CLUSTER ON ' || quote_ident(x.relname)] AS "create", ARRAY['ALTER TABLE ' || ${TABLE} || ' SET WITHOUT CLUSTER'] AS "drop"
  ${INDEXES} AND i.indisclustered
  UNION ALL
  SELECT 'statistics targets of index ' || ${INDEX}, jsonb_build_object('kind', 'index', 'schema', n.nspname, 'name', x.relname), NULL,
    ARRAY(SELECT 'ALTER INDEX ' || ${INDEX} || ' ALTER COLUMN ' || attnum || ' SET STATISTICS ' || attstattarget FROM pg_attribute WHERE attrelid = x.oid AND attstattarget >= 0 ORDER BY attnum),
    ARRAY(SELECT 'ALTER INDEX ' || ${INDEX} || ' ALTER COLUMN ' || attnum || ' SET STATISTICS -1' FROM pg_attribute WHERE attrelid = x.oid AND attstattarget >= 0 ORDER BY attnum)
  ${INDEXES} AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = x.oid AND attstattarget >= 0)`;

const TEXT_SEARCH_DICTIONARIES = `
  SELECT 'text search dictionary ' || d.qualified AS name, NULL::jsonb AS "on", NULL::jsonb AS "column",
    ARRAY['CREATE TEXT SEARCH DICTIONARY ' || d.qualified || ' (TEMPLATE = ' || ${qualified('tn.nspname', 't.tmplname')} || coalesce(', ' || d.dictinitoption, '') || ')',
      ${comment('TEXT SEARCH DICTIONARY', 'd.qualified', 'd.oid', 'pg_ts_dict')}] AS "create",
    ARRAY['DROP TEXT SEARCH DICTIONARY ' || d.qualified] AS "drop"
  FROM (SELECT x.*, ${qualified('x.dictnamespace::regnamespace::text', 'x.dictname')} AS qualified FROM pg_ts_dict x) AS d
  JOIN pg_namespace n ON n.oid = d.dictnamespace JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
  WHERE ${OWN} AND ${notOfExtension('pg_ts_dict', 'd.oid')}`;

const CONFIGURATIONS = `FROM (SELECT x.*, ${qualified('x.cfgnamespace::regnamespace::text', 'x.cfgname')} AS qualified FROM pg_ts_config x) AS f
  JOIN pg_namespace n ON n.oid = f.cfgnamespace JOIN pg_ts_parser p ON p.oid = f.cfgparser JOIN pg_namespace pn ON pn.oid = p.prsnamespace`;
const TEXT_SEARCH_CONFIGURATIONS = `
  SELECT 'text search configuration ' || f.qualified AS name, NULL::jsonb AS "on", NULL::jsonb AS "column",
    ARRAY['CREATE TEXT SEARCH CONFIGURATION ' || f.qualified || ' (PARSER = ' || ${qualified('pn.nspname', 'p.prsname')} || ')',
      ${comment('TEXT SEARCH CONFIGURATION', 'f.qualified', 'f.oid', 'pg_ts_config')}] AS "create",
    ARRAY['DROP TEXT SEARCH CONFIGURATION ' || f.qualified] AS "drop"
  ${CONFIGURATIONS} WHERE ${OWN} AND ${notOfExtension('pg_ts_config', 'f.oid')}`;

const TEXT_SEARCH_MAPPINGS = `
  SELECT 'mapping for ' || k.alias || ' of text search configuration ' || f.qualified AS name, 'text search configuration ' || f.qualified AS within,
    NULL::jsonb AS "on", NULL::jsonb AS "column",
    ARRAY['ALTER TEXT SEARCH CONFIGURATION ' || f.qualified || ' ADD MAPPING FOR ' || quote_ident(k.alias) || ' WITH ' || m.dictionaries] AS "create",
    ARRAY['ALTER TEXT SEARCH CONFIGURATION ' || f.qualified || ' DROP MAPPING FOR ' || quote_ident(k.alias)] AS "drop"
  ${CONFIGURATIONS} CROSS JOIN LATERAL ts_token_type(f.cfgparser) AS k CROSS JOIN LATERAL (
    SELECT string_agg(${qualified('dn.nspname', 'd.dictname')}, ', ' ORDER BY m.mapseqno) AS dictionaries FROM pg_ts_config_map m
    JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN pg_namespace dn ON dn.oid = d.dictnamespace WHERE m.mapcfg = f.oid AND m.maptokentype = k.tokid) AS m
  WHERE ${OWN} AND ${notOfExtension('pg_ts_config', 'f.oid')} AND m.dictionaries IS NOT NULL`;

const CASTS = `
  SELECT 'cast ' || c.named AS name, NULL::jsonb AS "on", NULL::jsonb AS "column",
    ARRAY['CREATE CAST ' || c.named || CASE c.castmethod WHEN 'i' THEN ' WITH INOUT' WHEN 'b' THEN ' WITHOUT FUNCTION' ELSE ' WITH FUNCTION ' || c.castfunc::regprocedure END
      || CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END, ${comment('CAST', 'c.named', 'c.oid', 'pg_cast')}] AS "create",
    ARRAY['DROP CAST ' || c.named] AS "drop"
  FROM (SELECT x.*, '(' || format_type(x.castsource, NULL) || ' AS ' || format_type(x.casttarget, NULL) || ')' AS named FROM pg_cast x WHERE x.oid >= 16384) AS c
  WHERE ${notOfExtension('pg_cast', 'c.oid')} AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')
    AND $1::text[] IS NOT NULL`;

const OPERATORS = `
  SELECT 'operator ' || o.oid::regoperator AS name, NULL::jsonb AS "on", NULL::jsonb AS "column",
    ARRAY['CREATE OPERATOR ' || o.named || ' (FUNCTION = ' || o.oprcode || coalesce(', LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL), '')
      || coalesce(', RIGHTARG = ' || format_type(nullif(o.oprright, 0), NULL), '')
      || coalesce(', COMMUTATOR = OPERATOR(' || (SELECT quote_ident(m.oprnamespace::regnamespace::text) || '.' || m.oprname FROM pg_operator m WHERE m.oid = o.oprcom) || ')', '')
      || coalesce(', NEGATOR = OPERATOR(' || (SELECT quote_ident(m.oprnamespace::regnamespace::text) || '.' || m.oprname FROM pg_operator m WHERE m.oid = o.oprnegate) || ')', '')
      || coalesce(', RESTRICT = ' || nullif(o.oprrest::oid, 0)::regproc, '') || coalesce(', JOIN = ' || nullif(o.oprjoin::oid, 0)::regproc, '')
      || CASE WHEN o.oprcanhash THEN ', HASHES' ELSE '' END || CASE WHEN o.oprcanmerge THEN ', MERGES' ELSE '' END || ')',
      ${comment('OPERATOR', 'o.signature', 'o.oid', 'pg_operator')}] AS "create",
    ARRAY['DROP OPERATOR ' || o.signature] AS "drop"
  FROM (SELECT x.*, quote_ident(x.oprnamespace::regnamespace::text) || '.' || x.oprname AS named,
      quote_ident(x.oprnamespace::regnamespace::text) || '.' || x.oprname || ' (' || coalesce(format_type(nullif(x.oprleft, 0), NULL), 'NONE') || ', ' || coalesce(format_type(nullif(x.oprright, 0), NULL), 'NONE') || ')' AS signature
    FROM pg_operator x) AS o
  JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE ${OWN} AND o.oprcode <> 0 AND ${notOfExtension('pg_operator', 'o.oid')}`;

const KINDS: readonly { readonly stage: Stage; readonly sql: string }[] = [
  { stage: 'before tables', sql: TEXT_SEARCH_DICTIONARIES },
  { stage: 'before tables', sql: TEXT_SEARCH_CONFIGURATIONS },
  { stage: 'before tables', sql: TEXT_SEARCH_MAPPINGS },
  { stage: 'after functions', sql: CASTS },
  { stage: 'after functions', sql: OPERATORS },
  { stage: 'last', sql: STATISTICS },
  { stage: 'last', sql: NOT_NULLS },
  { stage: 'last', sql: INHERITED_COLUMNS },
  { stage: 'last', sql: COLUMN_SETTINGS },
  { stage: 'last', sql: INDEX_SETTINGS },
];

/** Reads what pg-delta does not model: text search, casts, operators, statistics objects, and how columns and indexes are stored and analysed. */
export async function readOthers(
  db: Pick<Queryable, 'query'>,
  { schemas, relations }: LeftOut,
): Promise<OtherObject[]> {
  const found: OtherObject[] = [];
  for (const { stage, sql } of KINDS) {
    const values = sql.includes('$2') ? [[...schemas], [...relations]] : [[...schemas]];
    const { rows } = await db.query<OtherRow>(`SELECT * FROM (${sql}) AS others ORDER BY name`, values);
    for (const { name, on, column, within = null, create, drop } of rows) {
      found.push({
        name,
        on: on && encodeId(on),
        column: column && encodeId(column),
        within,
        stage,
        create: create.filter((one) => one !== null),
        drop: drop.filter((one) => one !== null),
      });
    }
  }
  return found;
}
