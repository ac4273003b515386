import type { Queryable } from '../postgres/queryable.ts';
import type { LeftOut } from './facts.ts';

/** Schemas of the application: not PostgreSQL's own, and not the ledger. */
const OWN = `nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\\_%' AND nspname <> ALL ($1::text[])`;
const relation = (alias: string) => `(SELECT quote_ident(in_schema.nspname) || '.' || quote_ident(named.relname)
  FROM pg_class named JOIN pg_namespace in_schema ON in_schema.oid = named.relnamespace WHERE named.oid = ${alias})`;
const sorted = (texts: string) => `(SELECT string_agg(item, ',' ORDER BY item) FROM unnest(${texts}) AS item)`;
/** A role by its name, but for whoever migrates, which PostgreSQL has a word for where they own the database: what that one is called is a fact of a machine. */
const role = (oid: string) =>
  `CASE WHEN ${oid} = 0 THEN 'PUBLIC' WHEN pg_get_userbyid(${oid}) IN ($3::text, 'pg_database_owner') THEN '(owner)' ELSE pg_get_userbyid(${oid})::text END`;
const privileges = (acl: string) => `(SELECT string_agg(item, ',' ORDER BY item)
  FROM (SELECT concat_ws(' ', ${role('given.grantee')}, given.privilege_type, given.is_grantable, 'by', ${role('given.grantor')}) AS item FROM aclexplode(${acl}) AS given) AS items)`;
/** Who may do what, where that is not what everybody has. @param code as `acldefault` takes it. */
const rights = (acl: string, code: string, owner: string) =>
  `nullif(${privileges(acl)}, ${privileges(`acldefault(${code}, ${owner})`)})`;
const tablespace = (oid: string) => `(SELECT 'in ' || spcname FROM pg_tablespace s WHERE s.oid = ${oid})`;
/** What an extension brings along is its own. */
const notOfExtension = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalog}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;
const notLeftOut = `n.nspname::text || '.' || c.relname::text <> ALL ($2::text[])`;

/**
 * Everything that PostgreSQL itself tells of a database's schema, a line for each object, by names alone: neither OIDs nor
 * positions of columns. It holds what schema differs leave out: statistics objects and targets, storage, privileges.
 * Left out is what PostgreSQL gives nobody a way to choose: of a partition's NOT NULL that comes from its table (18) the name,
 * and whether the partition has it by itself, too, which a primary key made from an index sets; and whether a key of a partition
 * counts as one that may be inherited, which depends on whether it or its table's was there
 * first, or was validated by itself (before 18 PostgreSQL validates the key and not those that it makes for partitions).
 */
const fingerprintSql = ({ viewTexts, isExact, hasRowFilters }: Form) => `
  SELECT concat_ws(' | ', 'relation', ${relation('c.oid')}, c.relkind, c.relpersistence, ${sorted('c.reloptions')}, c.relreplident, ${rights('c.relacl', `CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END`, 'c.relowner')},
      c.relrowsecurity, c.relforcerowsecurity, obj_description(c.oid, 'pg_class'), ${isExact ? tablespace('c.reltablespace') : 'NULL'}, 'owner ' || ${role('c.relowner')},
      CASE WHEN c.relkind IN ('v', 'm') THEN ${viewTexts ? 'pg_get_viewdef(c.oid)' : `'view'`} END, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),
      'inherits ' || (SELECT string_agg(h.inhparent::regclass::text, ',' ORDER BY h.inhseqno) FROM pg_inherits h WHERE h.inhrelid = c.oid AND NOT c.relispartition)) AS line
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND ${notLeftOut} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${notOfExtension('pg_class', 'c.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'column', ${relation('a.attrelid')}, a.attname, format_type(a.atttypid, a.atttypmod), 'collation ' || a.attcollation::regcollation,
      a.attnotnull, a.attstorage, a.attcompression, a.attstattarget, a.attoptions::text, ${privileges('a.attacl')}, 'identity ' || a.attidentity::text,
      'generated ' || a.attgenerated::text, a.attislocal, a.attinhcount, col_description(a.attrelid, a.attnum), 'default ' || pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE ${OWN} AND ${notLeftOut} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${notOfExtension('pg_class', 'c.oid')} AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT concat_ws(' | ', 'index', CASE WHEN ${isExact ? 'false' : INDEX_BY_ITSELF} THEN '(named by itself)' ELSE x.relname END,
      CASE WHEN ${isExact ? 'false' : INDEX_BY_ITSELF} THEN regexp_replace(pg_get_indexdef(x.oid), 'INDEX .*? ON ', 'INDEX ON ') ELSE pg_get_indexdef(x.oid) END, obj_description(x.oid, 'pg_class'), i.indisvalid, i.indisready, i.indimmediate,
      'primary ' || i.indisprimary, 'clustered ' || i.indisclustered, 'identity ' || i.indisreplident, ${isExact ? tablespace('x.reltablespace') : 'NULL'}, ${sorted('x.reloptions')},
      'of ' || (SELECT p.oid::regclass FROM pg_inherits JOIN pg_class p ON p.oid = inhparent WHERE inhrelid = x.oid AND (NOT p.relispartition OR ${isExact})),
      (SELECT string_agg(attnum || ':' || attstattarget, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = x.oid AND attstattarget >= 0))
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND ${notLeftOut} AND ${notOfExtension('pg_class', 'c.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'constraint', coalesce(${relation('co.conrelid')}, co.contypid::regtype::text), CASE WHEN co.contype = 'n' AND ${isExact ? 'co.coninhcount > 0' : 'true'} THEN '(unnamed)' WHEN ${isExact ? 'false' : CONSTRAINT_BY_ITSELF} THEN '(named by itself)' ELSE concat_ws(' ', co.conname, co.conislocal) END,
      CASE WHEN co.contype = 'f' AND co.conparentid <> 0 THEN replace(pg_get_constraintdef(co.oid), ' NOT VALID', '') ELSE concat_ws(' ', pg_get_constraintdef(co.oid), co.convalidated) END, co.condeferrable, co.condeferred, co.coninhcount, CASE WHEN co.contype IN ('c', 'n') THEN co.connoinherit END, obj_description(co.oid, 'pg_constraint'), CASE WHEN ${isExact ? 'true' : `NOT ${CONSTRAINT_BY_ITSELF}`} THEN 'index ' || ${relation('co.conindid')} END,
      'of ' || (SELECT p.conname FROM pg_constraint p WHERE p.oid = co.conparentid),
      (SELECT count(*) || ' triggers' FROM pg_trigger t WHERE t.tgconstraint = co.oid))
  FROM pg_constraint co JOIN pg_namespace n ON n.oid = co.connamespace LEFT JOIN pg_class c ON c.oid = co.conrelid WHERE ${OWN} AND coalesce(${notLeftOut}, true) AND ${notOfExtension('pg_class', 'co.conrelid')}
  UNION ALL
  SELECT concat_ws(' | ', 'trigger', ${relation('t.tgrelid')}, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled, t.tgparentid <> 0, obj_description(t.oid, 'pg_trigger'))
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND NOT t.tgisinternal
  UNION ALL
  SELECT concat_ws(' | ', 'statistics', n.nspname, s.stxname, ${relation('s.stxrelid')}, s.stxkind::text, pg_get_expr(s.stxexprs, s.stxrelid),
      (SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys::int2[])), s.stxstattarget, obj_description(s.oid, 'pg_statistic_ext'))
  FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ${OWN}
  UNION ALL
  SELECT concat_ws(' | ', 'policy', ${relation('p.polrelid')}, p.polname, p.polcmd, p.polpermissive, (SELECT string_agg(${role('r')}, ',') FROM unnest(p.polroles) AS r),
      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy'))
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN}
  UNION ALL
  SELECT concat_ws(' | ', 'rule', pg_get_ruledef(r.oid), r.ev_enabled, obj_description(r.oid, 'pg_rewrite'))
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND r.rulename <> '_RETURN'
  UNION ALL
  SELECT concat_ws(' | ', 'function', p.oid::regprocedure, CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END, ${rights('p.proacl', `'f'`, 'p.proowner')},
      'owner ' || ${role('p.proowner')}, obj_description(p.oid, 'pg_proc'))
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OWN} AND ${notOfExtension('pg_proc', 'p.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'sequence', ${relation('q.seqrelid')}, q.seqtypid::regtype, q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcache, q.seqcycle, ${isExact ? 'pg_sequence_last_value(q.seqrelid),' : ''} (SELECT concat_ws(' ', d.deptype, ${relation('d.refobjid')}, a.attname) FROM pg_depend d
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0))
  FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND ${notLeftOut} AND ${notOfExtension('pg_class', 'c.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'publication', p.pubname, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot, ${relation('r.prrelid')},
      (SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = r.prrelid
        AND (to_jsonb(r) ->> 'prattrs') IS NOT NULL AND a.attnum::text = ANY (string_to_array(to_jsonb(r) ->> 'prattrs', ' '))), ${hasRowFilters ? 'pg_get_expr(r.prqual, r.prrelid)' : 'NULL'})
  FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid
  UNION ALL
  SELECT concat_ws(' | ', 'type', n.nspname || '.' || t.typname, t.typtype, t.typnotnull, format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typdefault, t.typcollation::regcollation,
      'owner ' || ${role('t.typowner')}, ${rights('t.typacl', `'T'`, 't.typowner')}, obj_description(t.oid, 'pg_type'),
      (SELECT string_agg(quote_literal(enumlabel), ',' ORDER BY enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
      (SELECT concat_ws(' ', r.rngsubtype::regtype, r.rngsubopc, r.rngcollation::regcollation, r.rngcanonical, r.rngsubdiff) FROM pg_range r WHERE r.rngtypid = t.oid),
      (SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation), ',' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = t.typrelid AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped))
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
  WHERE ${OWN} AND (t.typtype IN ('d', 'e', 'r', 'm') OR c.relkind = 'c') AND ${notOfExtension('pg_type', 't.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'schema', n.nspname, ${rights('n.nspacl', `'n'`, 'n.nspowner')}, obj_description(n.oid, 'pg_namespace')) FROM pg_namespace n WHERE ${OWN} AND ${notOfExtension('pg_namespace', 'n.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'extension', extname, extnamespace::regnamespace) FROM pg_extension
  UNION ALL
  SELECT concat_ws(' | ', 'cast', castsource::regtype, casttarget::regtype, nullif(castfunc, 0)::regprocedure, castcontext, castmethod, obj_description(ca.oid, 'pg_cast'))
  FROM pg_cast ca WHERE ca.oid >= 16384 AND ${notOfExtension('pg_cast', 'ca.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'operator', o.oid::regoperator, o.oprcode, nullif(o.oprcom, 0)::regoperator, nullif(o.oprnegate, 0)::regoperator, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash,
      obj_description(o.oid, 'pg_operator'))
  FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE ${OWN} AND ${notOfExtension('pg_operator', 'o.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'text search dictionary', d.oid::regdictionary, d.dicttemplate, d.dictinitoption, obj_description(d.oid, 'pg_ts_dict'))
  FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace WHERE ${OWN} AND ${notOfExtension('pg_ts_dict', 'd.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'text search configuration', f.oid::regconfig, f.cfgparser, obj_description(f.oid, 'pg_ts_config'),
      (SELECT string_agg(concat_ws(' ', maptokentype, mapdict::regdictionary), ',' ORDER BY maptokentype, mapseqno) FROM pg_ts_config_map WHERE mapcfg = f.oid))
  FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace WHERE ${OWN} AND ${notOfExtension('pg_ts_config', 'f.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'event trigger', evtname, evtevent, evtfoid::regproc, evtenabled, evttags::text, obj_description(oid, 'pg_event_trigger')) FROM pg_event_trigger v
  WHERE ${notOfExtension('pg_event_trigger', 'v.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'collation', n.nspname || '.' || l.collname, l.collprovider, l.collisdeterministic, l.collcollate, l.collctype, obj_description(l.oid, 'pg_collation'))
  FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE ${OWN} AND ${notOfExtension('pg_collation', 'l.oid')}
  UNION ALL
  SELECT concat_ws(' | ', 'default privileges', ${role('defaclrole')}, nullif(defaclnamespace, 0)::regnamespace, defaclobjtype, ${privileges('defaclacl')}) FROM pg_default_acl
  UNION ALL
  SELECT concat_ws(' | ', 'server', s.srvname, s.srvtype, s.srvversion, s.srvoptions::text, w.fdwname) FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
  UNION ALL
  SELECT concat_ws(' | ', 'foreign table', ${relation('t.ftrelid')}, s.srvname, t.ftoptions::text) FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver
  ORDER BY 1`;

/** The index of a partition, or the constraint with it, of a name that PostgreSQL gives, perhaps when a column had another name, or that we do. */
const namedByItself = (name: string, table: string) =>
  `(${name} ~ '_[0-9a-f]{8}$' OR (starts_with(${name}, left(${table}, 29) || '_') AND ${name} ~ '_(idx|pkey|key|excl)[0-9]*$'))`;
const INDEX_BY_ITSELF = `(x.relispartition AND ${namedByItself('x.relname', 'c.relname')})`;
const CONSTRAINT_BY_ITSELF = `(co.conparentid <> 0 AND co.contype IN ('p', 'u', 'x') AND ${namedByItself('co.conname', 'c.relname')})`;

interface Form {
  /** Views are told by their existence alone where it is false. */
  readonly viewTexts: boolean;
  /** Also tablespaces, where sequences stand, which belongs to the rows, and what NOT NULLs are called (18), which older versions do not know, and which stays when a column is renamed. */
  readonly isExact: boolean;
  /** Publications know them since 15. */
  readonly hasRowFilters: boolean;
}

interface FingerprintOptions extends LeftOut, Partial<Pick<Form, 'viewTexts' | 'isExact'>> {
  /** Whoever migrates, and is called something else on every machine; null for nobody. */
  readonly owner: string | null;
}

/**
 * Everything that is known of a database's schema, a line for each object, sorted. Servers of different versions tell some
 * things in different ways: only those of two databases of one server, or one version, can be compared.
 */
export async function readFingerprint(
  db: Pick<Queryable, 'query'>,
  { schemas, relations, owner, viewTexts = true, isExact = false }: FingerprintOptions,
): Promise<string[]> {
  const {
    rows: [server],
  } = await db.query(`SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 150000 AS filters`);
  const sql = fingerprintSql({ viewTexts, isExact, hasRowFilters: server?.filters === true });
  const { rows } = await db.query(sql, [[...schemas], [...relations], owner]);
  return rows.map(({ line }) => String(line));
}

/** Lines that only one side has: `+` those of the first, `-` those of the second. */
export function differencesOf(found: readonly string[], wanted: readonly string[]): string[] {
  const [foundLines, wantedLines] = [new Set(found), new Set(wanted)];
  return [
    ...found.filter((line) => !wantedLines.has(line)).map((line) => `+ ${line}`),
    ...wanted.filter((line) => !foundLines.has(line)).map((line) => `- ${line}`),
  ];
}
