import { quoteIdent, quoteLiteral } from '../../domain/identifier.ts';
import { takeBackDefaults } from '../../postgres/default-privileges.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from '../bound.ts';
import { refusal } from '../refusal.ts';
import { dependentKind } from './dependent.ts';
import { withoutSemicolon } from './texts.ts';
import type { ViewRow } from './view.ts';

export const materializedView = dependentKind('materialized view', {
  heading: 'bound to it',
  place: 'database',
  rebinding: readMaterializedView,
  followsAnew: true,
  isTyped: true,
  refuse: ({ description, dependsOnIt }) =>
    dependsOnIt.map((other) =>
      refusal(
        `${description}, on which ${other} depends`,
        'PostgreSQL can only drop a materialized view and make it anew, which would drop what depends on it',
      ),
    ),
});

interface MaterializedViewRow extends ViewRow {
  method: string;
  tablespace: string | null;
  populated: boolean;
  owner: string;
  comment: string | null;
  after: string[];
  grants: string[];
}

/** PostgreSQL cannot replace one: it is dropped and filled anew, with its indexes, statistics, comments and privileges. */
export async function readMaterializedView(db: Queryable, { name }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<MaterializedViewRow>(db, MATERIALIZED_VIEW, [name]);
  if (!row) return null;
  const { columns, method, options, tablespace, definition, populated, owner, comment } = row;
  const place = tablespace === null ? '' : ` TABLESPACE ${quoteIdent(tablespace)}`;
  return {
    before: [`DROP MATERIALIZED VIEW ${name}`],
    make: [
      `CREATE MATERIALIZED VIEW ${name} (${columns}) USING ${method}${options}${place} AS ${withoutSemicolon(definition)} WITH NO DATA`,
      ...row.after,
      ...(comment === null ? [] : [`COMMENT ON MATERIALIZED VIEW ${name} IS ${quoteLiteral(comment)}`]),
      `ALTER MATERIALIZED VIEW ${name} OWNER TO ${owner}`,
      takeBackDefaults('TABLE', name),
      ...row.grants,
      // Filled last, and so with the rights of its owner: its functions are none of ours.
      ...(populated ? [`REFRESH MATERIALIZED VIEW ${name}`] : []),
    ],
    stub: [],
    rewrites: true,
  };
}

const MATERIALIZED_VIEW = `
  SELECT pg_get_viewdef(c.oid) AS definition, coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options, quote_ident(am.amname) AS method,
    ts.spcname AS tablespace, c.relispopulated AS populated, quote_ident(pg_get_userbyid(c.relowner)) AS owner, obj_description(c.oid, 'pg_class') AS comment,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
    ARRAY(
      SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid
      UNION ALL SELECT format('COMMENT ON INDEX %I.%I IS %L', n.nspname, x.relname, obj_description(x.oid, 'pg_class')) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND obj_description(x.oid, 'pg_class') IS NOT NULL
      UNION ALL SELECT format('ALTER MATERIALIZED VIEW %I.%I CLUSTER ON %I', n.nspname, c.relname, x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisclustered
      UNION ALL SELECT pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext s WHERE s.stxrelid = c.oid
      UNION ALL SELECT format('COMMENT ON COLUMN %I.%I.%I IS %L', n.nspname, c.relname, a.attname, col_description(c.oid, a.attnum)) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NOT NULL
      UNION ALL SELECT format('ALTER MATERIALIZED VIEW %I.%I ALTER COLUMN %I SET STATISTICS %s', n.nspname, c.relname, a.attname, a.attstattarget) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attstattarget >= 0
    ) AS after,
    ARRAY(
      SELECT format('GRANT %s ON %I.%I TO %s%s', acl.privilege_type, n.nspname, c.relname,
          CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END, CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM aclexplode(c.relacl) AS acl WHERE acl.grantee <> c.relowner
    ) AS grants
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am am ON am.oid = c.relam
  LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
  WHERE c.oid = to_regclass($1) AND c.relkind = 'm'`;
