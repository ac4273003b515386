import type { TestDatabase } from './database.ts';

/** Schemas of the application: not PostgreSQL's own, and not the ledger. */
const OWN = `nspname NOT IN ('pg_catalog', 'information_schema', 'phase') AND nspname NOT LIKE 'pg\\_%'`;
const relation = (alias: string) => `(SELECT quote_ident(in_schema.nspname) || '.' || quote_ident(named.relname)
  FROM pg_class named JOIN pg_namespace in_schema ON in_schema.oid = named.relnamespace WHERE named.oid = ${alias})`;
const sorted = (acl: string) => `(SELECT string_agg(item::text, ',' ORDER BY item::text) FROM unnest(${acl}) AS item)`;

/**
 * Everything that PostgreSQL itself tells of a database's schema, a line for each object, by names alone: neither OIDs nor
 * positions of columns. It holds what schema differs leave out: statistics objects and targets, storage, privileges.
 * Left out is what PostgreSQL gives nobody a way to choose: of a partition's NOT NULL that comes from its table (18) the name,
 * and whether the partition has it by itself, too, which a primary key made from an index sets; and whether a key of a partition
 * counts as one that may be inherited, which depends on whether it or its table's was there
 * first, or was validated by itself (before 18 PostgreSQL validates the key and not those that it makes for partitions).
 */
const FINGERPRINT = `
  SELECT concat_ws(' | ', 'relation', ${relation('c.oid')}, c.relkind, c.relpersistence, c.reloptions::text, c.relreplident, ${sorted('c.relacl')},
      c.relrowsecurity, c.relforcerowsecurity, obj_description(c.oid, 'pg_class'), c.reltablespace, pg_get_userbyid(c.relowner),
      CASE WHEN c.relkind IN ('v', 'm') THEN VIEW_TEXT END, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid)) AS line
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  UNION ALL
  SELECT concat_ws(' | ', 'column', ${relation('a.attrelid')}, a.attname, format_type(a.atttypid, a.atttypmod), 'collation ' || a.attcollation::regcollation,
      a.attnotnull, a.attstorage, a.attcompression, a.attstattarget, a.attoptions::text, ${sorted('a.attacl')}, 'identity ' || a.attidentity::text,
      'generated ' || a.attgenerated::text, a.attislocal, a.attinhcount, col_description(a.attrelid, a.attnum), 'default ' || pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE ${OWN} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT concat_ws(' | ', 'index', c.relname, pg_get_indexdef(c.oid), obj_description(c.oid, 'pg_class'), i.indisvalid, i.indisready, i.indimmediate,
      'primary ' || i.indisprimary, 'clustered ' || i.indisclustered, 'identity ' || i.indisreplident, c.reltablespace, c.reloptions::text,
      'of ' || (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = c.oid),
      (SELECT string_agg(attnum || ':' || attstattarget, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attstattarget >= 0))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN}
  UNION ALL
  SELECT concat_ws(' | ', 'constraint', ${relation('co.conrelid')}, CASE WHEN co.contype = 'n' AND co.coninhcount > 0 THEN '(inherited)' ELSE concat_ws(' ', co.conname, co.conislocal) END,
      CASE WHEN co.contype = 'f' AND co.conparentid <> 0 THEN replace(pg_get_constraintdef(co.oid), ' NOT VALID', '') ELSE concat_ws(' ', pg_get_constraintdef(co.oid), co.convalidated) END, co.condeferrable, co.condeferred, co.coninhcount, CASE WHEN co.contype IN ('c', 'n') THEN co.connoinherit END, obj_description(co.oid, 'pg_constraint'), 'index ' || ${relation('co.conindid')},
      'of ' || (SELECT p.conname FROM pg_constraint p WHERE p.oid = co.conparentid),
      (SELECT count(*) || ' triggers' FROM pg_trigger t WHERE t.tgconstraint = co.oid))
  FROM pg_constraint co JOIN pg_namespace n ON n.oid = co.connamespace WHERE ${OWN}
  UNION ALL
  SELECT concat_ws(' | ', 'trigger', ${relation('t.tgrelid')}, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled, t.tgparentid <> 0, obj_description(t.oid, 'pg_trigger'))
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND NOT t.tgisinternal
  UNION ALL
  SELECT concat_ws(' | ', 'statistics', n.nspname, s.stxname, ${relation('s.stxrelid')}, s.stxkind::text, pg_get_expr(s.stxexprs, s.stxrelid),
      (SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys::int2[])), s.stxstattarget, obj_description(s.oid, 'pg_statistic_ext'))
  FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ${OWN}
  UNION ALL
  SELECT concat_ws(' | ', 'policy', ${relation('p.polrelid')}, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy'))
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN}
  UNION ALL
  SELECT concat_ws(' | ', 'rule', pg_get_ruledef(r.oid), r.ev_enabled, obj_description(r.oid, 'pg_rewrite'))
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND r.rulename <> '_RETURN'
  UNION ALL
  SELECT concat_ws(' | ', 'function', p.oid::regprocedure, CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END, ${sorted('p.proacl')},
      pg_get_userbyid(p.proowner), obj_description(p.oid, 'pg_proc'))
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OWN}
  UNION ALL
  SELECT concat_ws(' | ', 'sequence', ${relation('q.seqrelid')}, q.seqtypid::regtype, q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcache, q.seqcycle,
      pg_sequence_last_value(q.seqrelid), (SELECT concat_ws(' ', d.deptype, ${relation('d.refobjid')}, a.attname) FROM pg_depend d
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0))
  FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN}
  UNION ALL
  SELECT concat_ws(' | ', 'publication', p.pubname, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot, ${relation('r.prrelid')},
      (SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = r.prrelid
        AND (to_jsonb(r) ->> 'prattrs') IS NOT NULL AND a.attnum::text = ANY (string_to_array(to_jsonb(r) ->> 'prattrs', ' '))), ROW_FILTER)
  FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid
  UNION ALL
  SELECT concat_ws(' | ', 'type', t.oid::regtype, t.typtype) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE ${OWN} AND t.typtype IN ('d', 'e', 'r', 'm')
  ORDER BY 1`;

/** Everything that is known of a database's schema, a line for each object, sorted; without the texts of views on request. */
export async function fingerprint(database: Pick<TestDatabase, 'sql'>, { viewTexts = true } = {}): Promise<string[]> {
  const [{ filters }] = await database.sql(`SELECT current_setting('server_version_num')::int >= 150000 AS filters`);
  const filter = filters ? 'pg_get_expr(r.prqual, r.prrelid)' : 'NULL';
  const rows = await database.sql<{ line: string }>(
    FINGERPRINT.replace('ROW_FILTER', filter).replace('VIEW_TEXT', viewTexts ? 'pg_get_viewdef(c.oid)' : `'view'`),
  );
  return rows.map(({ line }) => line);
}

/** Lines that only one side has. */
export function differencesOf(renamed: readonly string[], plain: readonly string[]): string[] {
  const missing = new Set(plain);
  const unexpected = new Set(renamed);
  return [
    ...renamed.filter((line) => !missing.has(line)).map((line) => `+ ${line}`),
    ...plain.filter((line) => !unexpected.has(line)).map((line) => `- ${line}`),
  ];
}
