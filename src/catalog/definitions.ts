import type { ReboundKind } from '../domain/facts.ts';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { takeBackDefaults } from '../postgres/default-privileges.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { after } from './scratch.ts';

/** An object that is bound to the column: a view, policy, rule, function with a parsed body, publication ... */
export interface BoundObjectName {
  readonly kind: ReboundKind | 'publication';
  /** Views and functions qualified and quoted (functions with their argument types); others by their plain name. */
  readonly name: string;
  /** The table that it is on, qualified and quoted; for views and functions nothing. */
  readonly on?: string | undefined;
}

/** Statements that make an object again from its own text, and bind it to what has the names at that moment. */
export interface Rebinding {
  /** What has to go before names change. */
  readonly before: readonly string[];
  readonly make: readonly string[];
  /** Statements that leave the object there, bound to nothing, until `make` runs; empty where that is not needed. */
  readonly stub: readonly string[];
  /** Whether `make` fills or computes it anew, under an exclusive lock. */
  readonly rewrites: boolean;
}

/**
 * Reads the text of an object. Names come out qualified where the search path of the session does not find them, so what is
 * read has to run under the same search path.
 * Null when there is no such object.
 */
export function readRebinding(db: Queryable, object: BoundObjectName): Promise<Rebinding | null> {
  return READERS[object.kind](db, object);
}

type Reader = (db: Queryable, object: BoundObjectName) => Promise<Rebinding | null>;

const READERS: Record<BoundObjectName['kind'], Reader> = {
  view: readView,
  'materialized view': readMaterializedView,
  rule: readRule,
  policy: readPolicy,
  function: readFunction,
  'generated column': readGenerated,
  publication: readPublication,
  'key to primary key': readKey,
};

interface ViewRow {
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
async function readMaterializedView(db: Queryable, { name }: BoundObjectName): Promise<Rebinding | null> {
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

async function readRule(db: Queryable, { name, on }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ definition: string; event: string }>(
    db,
    `SELECT pg_get_ruledef(r.oid) AS definition, CASE r.ev_type WHEN '1' THEN 'SELECT' WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END AS event
     FROM pg_rewrite r WHERE r.ev_class = to_regclass($1) AND r.rulename = $2`,
    [on, name],
  );
  const tail = row ? after(row.definition, 'CREATE RULE ') : null;
  if (!row || tail === null) return null;
  return {
    before: [],
    make: [`CREATE OR REPLACE RULE ${withoutSemicolon(tail)}`],
    stub: [`CREATE OR REPLACE RULE ${quoteIdent(name)} AS ON ${row.event} TO ${on} DO INSTEAD NOTHING`],
    rewrites: false,
  };
}

async function readPolicy(db: Queryable, { name, on }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ using: string | null; check: string | null }>(
    db,
    `SELECT pg_get_expr(polqual, polrelid) AS using, pg_get_expr(polwithcheck, polrelid) AS check
     FROM pg_policy WHERE polrelid = to_regclass($1) AND polname = $2`,
    [on, name],
  );
  if (!row) return null;
  const using = row.using === null ? '' : ` USING (${row.using})`;
  const check = row.check === null ? '' : ` WITH CHECK (${row.check})`;
  return { before: [], make: [`ALTER POLICY ${quoteIdent(name)} ON ${on}${using}${check}`], stub: [], rewrites: false };
}

/** The head of a function is what PostgreSQL prints before the body that it prints by itself. */
async function readFunction(db: Queryable, { name }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ definition: string; body: string }>(
    db,
    'SELECT pg_get_functiondef(p.oid) AS definition, pg_get_function_sqlbody(p.oid) AS body FROM pg_proc p WHERE p.oid = to_regprocedure($1)',
    [name],
  );
  if (!row?.body) return null;
  const { definition, body } = row;
  const head = definition.slice(0, definition.lastIndexOf(body));
  return {
    before: [],
    make: [definition],
    stub: ['SET LOCAL check_function_bodies = off', `${head} AS ''`, 'RESET check_function_bodies'],
    rewrites: false,
  };
}

async function readGenerated(db: Queryable, { name, on }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ expression: string; stored: boolean }>(
    db,
    `SELECT pg_get_expr(d.adbin, d.adrelid) AS expression, a.attgenerated = 's' AS stored FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
     WHERE d.adrelid = to_regclass($1) AND a.attname = $2 AND a.attgenerated <> ''`,
    [on, name],
  );
  if (!row) return null;
  const make = [`ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(name)} SET EXPRESSION AS (${row.expression})`];
  return { before: [], make, stub: [], rewrites: row.stored };
}

/** DROP and ADD, never SET, which would replace the tables of the whole publication. Column lists came with 15. */
async function readPublication(db: Queryable, { name, on }: BoundObjectName): Promise<Rebinding | null> {
  const { lists } = await one<{ lists: boolean }>(
    db,
    `SELECT current_setting('server_version_num')::int >= 150000 AS lists`,
  );
  if (!lists) return null;
  const [row] = await all<{ columns: string | null; filter: string | null; partitioned: boolean }>(
    db,
    `SELECT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.prrelid AND c.relkind = 'p') AS partitioned, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) FROM unnest(r.prattrs::int2[]) WITH ORDINALITY AS k(number, place)
         JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = k.number) AS columns,
       pg_get_expr(r.prqual, r.prrelid) AS filter
     FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = to_regclass($1) AND p.pubname = $2`,
    [on, name],
  );
  if (!row) return null;
  const columns = row.columns === null ? '' : ` (${row.columns})`;
  const filter = row.filter === null ? '' : ` WHERE (${row.filter})`;
  // Children are published by themselves, and each has its own list.
  const table = row.partitioned ? on : `ONLY ${on}`;
  return {
    before: [`ALTER PUBLICATION ${quoteIdent(name)} DROP TABLE ${table}`],
    make: [`ALTER PUBLICATION ${quoteIdent(name)} ADD TABLE ${table}${columns}${filter}`],
    stub: [],
    rewrites: false,
  };
}

/** The key goes while the primary key moves, and is made again by its own text. */
async function readKey(db: Queryable, { name, on = '' }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ definition: string; checked: boolean; comment: string | null }>(
    db,
    `SELECT pg_get_constraintdef(co.oid) AS definition, obj_description(co.oid, 'pg_constraint') AS comment,
       co.convalidated AND coalesce((to_jsonb(co) ->> 'conenforced')::boolean, true) AS checked
     FROM pg_constraint co WHERE co.conrelid = to_regclass($1) AND co.conname = $2 AND co.contype = 'f'`,
    [on, name],
  );
  if (!row) return null;
  const key = `CONSTRAINT ${quoteIdent(name)}`;
  return {
    before: [],
    stub: [`ALTER TABLE ${on} DROP ${key}`],
    make: [
      `ALTER TABLE ${on} ADD ${key} ${row.definition}`,
      ...(row.comment === null ? [] : [`COMMENT ON ${key} ON ${on} IS ${quoteLiteral(row.comment)}`]),
    ],
    rewrites: row.checked,
  };
}

function withoutSemicolon(definition: string): string {
  return definition.trim().replace(/;$/, '');
}
