import { treeOf } from '../../catalog/tree.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteLiteral } from '../../domain/identifier.ts';
import { takeBackDefaults } from '../../postgres/default-privileges.ts';
import { sqlQualified } from '../../postgres/names.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { readMaterializedView } from './materialized-view.ts';
import { withoutSemicolon } from './texts.ts';

/** A view that has to be dropped and made again, since CREATE OR REPLACE VIEW refuses a column of another type. */
export interface ViewAnew {
  /** Qualified and quoted. */
  readonly name: string;
  readonly drop: string;
  readonly make: readonly string[];
  readonly rewrites: boolean;
}

interface ViewRow {
  name: string;
  kind: 'v' | 'm';
}

/**
 * Views that read a column, directly or by another view; those that others read come first. Options, owners, comments, privileges, defaults, rules and triggers of
 * theirs come along.
 */
export async function viewsOn(db: Queryable, on: string, columns: readonly string[]): Promise<ViewAnew[]> {
  const rows = await all<ViewRow>(db, VIEWS, [on, columns]);
  const views: ViewAnew[] = [];
  for (const { name, kind } of rows) {
    if (kind === 'm') {
      const rebinding = await readMaterializedView(db, { kind: 'materialized view', name });
      if (rebinding !== null)
        views.push({ name, drop: rebinding.before.join(';\n'), make: rebinding.make, rewrites: rebinding.rewrites });
    } else views.push(await readViewAnew(db, name));
  }
  return views;
}

const VIEWS = `
  ${treeOf('to_regclass($1)::oid')},
  reading(oid, level) AS (
    SELECT r.ev_class, 1 FROM pg_attribute a JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
      AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
    WHERE a.attrelid IN (SELECT oid FROM tree) AND a.attname = ANY ($2)
    UNION
    SELECT r.ev_class, level + 1 FROM reading JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = reading.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN' AND r.ev_class <> reading.oid)
  SELECT ${sqlQualified('n', 'c')} AS name, c.relkind AS kind
  FROM reading JOIN pg_class c ON c.oid = reading.oid JOIN pg_namespace n ON n.oid = c.relnamespace
  GROUP BY c.oid, n.nspname, c.relname, c.relkind ORDER BY max(level), 1`;

async function readViewAnew(db: Queryable, name: string): Promise<ViewAnew> {
  const [row] = await all<{
    definition: string;
    columns: string;
    options: string;
    owner: string;
    comment: string | null;
    after: string[];
  }>(db, VIEW, [name]);
  if (row === undefined) throw new PhaseError('PH5030', { statement: `DROP VIEW ${name}`, reason: 'it is gone' });
  return {
    name,
    drop: `DROP VIEW ${name}`,
    make: [
      `CREATE VIEW ${name} (${row.columns})${row.options} AS ${withoutSemicolon(row.definition)}`,
      `ALTER VIEW ${name} OWNER TO ${row.owner}`,
      ...(row.comment === null ? [] : [`COMMENT ON VIEW ${name} IS ${quoteLiteral(row.comment)}`]),
      takeBackDefaults('TABLE', name),
      ...row.after,
    ],
    rewrites: false,
  };
}

const GRANTEE = `CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END || CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END`;

const VIEW = `
  SELECT pg_get_viewdef(c.oid) AS definition, coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
    quote_ident(pg_get_userbyid(c.relowner)) AS owner, obj_description(c.oid, 'pg_class') AS comment,
    ARRAY(
      SELECT format('ALTER VIEW %I.%I ALTER COLUMN %I SET DEFAULT %s', n.nspname, c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid))
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = c.oid
      UNION ALL SELECT format('COMMENT ON COLUMN %I.%I.%I IS %L', n.nspname, c.relname, a.attname, col_description(c.oid, a.attnum)) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NOT NULL
      UNION ALL SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'
      UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
      UNION ALL SELECT format('SECURITY LABEL FOR %I ON %s %I.%I%s IS %L', l.provider, CASE l.objsubid WHEN 0 THEN 'VIEW' ELSE 'COLUMN' END, n.nspname, c.relname,
          coalesce('.' || (SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum = l.objsubid AND l.objsubid > 0), ''), l.label)
        FROM pg_seclabel l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid
      UNION ALL SELECT format('GRANT %s ON %I.%I TO ', acl.privilege_type, n.nspname, c.relname) || ${GRANTEE} FROM aclexplode(c.relacl) AS acl WHERE acl.grantee <> c.relowner
      UNION ALL SELECT format('GRANT %s (%I) ON %I.%I TO ', acl.privilege_type, a.attname, n.nspname, c.relname) || ${GRANTEE}
        FROM pg_attribute a, aclexplode(a.attacl) AS acl WHERE a.attrelid = c.oid
    ) AS after
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1) AND c.relkind = 'v'`;

/** What else holds on to such views, in words: with one of them, PostgreSQL drops none. */
export async function holdingViews(db: Queryable, on: string, columns: readonly string[]): Promise<string[]> {
  const rows = await all<ViewRow>(db, VIEWS, [on, columns]);
  const found = await all<{ description: string }>(
    db,
    `SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS description
     FROM unnest($1::text[]) AS v(name) JOIN pg_class c ON c.oid = to_regclass(v.name) LEFT JOIN pg_type t ON t.typrelid = c.oid
     JOIN pg_depend d ON d.deptype = 'n' AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
       OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray))
     WHERE NOT (d.classid = 'pg_rewrite'::regclass AND EXISTS (SELECT FROM pg_rewrite r WHERE r.oid = d.objid AND (r.rulename = '_RETURN' OR r.ev_class = c.oid)))
       AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class x WHERE x.oid = d.objid AND x.relkind IN ('i', 'v', 'm')))
       AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (SELECT FROM pg_trigger g WHERE g.oid = d.objid AND g.tgrelid = c.oid))
       AND d.classid <> 'pg_attrdef'::regclass AND d.classid <> 'pg_statistic_ext'::regclass
     ORDER BY 1`,
    [rows.map(({ name }) => name)],
  );
  return found.map(({ description }) => description);
}
