import { all, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from '../bound.ts';
import { dependentKind } from './dependent.ts';
import { withoutSemicolon } from './texts.ts';

/** A view, which its readers lock before the tables that it reads. */
export const view = dependentKind('view', {
  heading: 'bound to it',
  place: 'database',
  rebinding: readView,
  followsAnew: true,
  isTyped: true,
  lockFirst,
});

export interface ViewRow {
  definition: string;
  columns: string;
  options: string;
  stub: string;
}

/** CREATE OR REPLACE VIEW drops options that it is not given; comments, privileges and column defaults it keeps. */
async function readView(db: Queryable, { name }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<ViewRow>(
    db,
    `SELECT pg_get_viewdef(c.oid) AS definition, coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options,
       (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
       (SELECT string_agg('CAST(NULL AS ' || format_type(a.atttypid, a.atttypmod) || ')' || CASE WHEN a.attcollation <> 0
           THEN ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname) ELSE '' END, ', ' ORDER BY a.attnum)
         FROM pg_attribute a LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS stub
     FROM pg_class c WHERE c.oid = to_regclass($1) AND c.relkind = 'v'`,
    [name],
  );
  if (!row) return null;
  const head = `CREATE OR REPLACE VIEW ${name} (${row.columns})`;
  return {
    before: [],
    make: [`${head}${row.options} AS ${withoutSemicolon(row.definition)}`],
    stub: [`${head} AS SELECT ${row.stub}`],
    rewrites: false,
  };
}

/** LOCK TABLE would lock the tables of the view, too; this takes the same lock on the view alone and changes nothing. */
async function lockFirst(db: Queryable, { name }: BoundObjectName): Promise<string | null> {
  const [row] = await all<{ owner: string }>(
    db,
    'SELECT quote_ident(pg_get_userbyid(relowner)) AS owner FROM pg_class WHERE oid = to_regclass($1)',
    [name],
  );
  return row === undefined ? null : `ALTER VIEW ${name} OWNER TO ${row.owner}`;
}
