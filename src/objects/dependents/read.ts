import { nodesAtTop, nodesOf, type SqlNode, treesOf } from '../../catalog/sql-trees.ts';
import { TREE } from '../../catalog/tree.ts';
import type { DependentFacts } from '../../domain/facts.ts';
import type { QualifiedName } from '../../domain/identifier.ts';
import { sqlQualified, sqlQuoted } from '../../postgres/names.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { HangingSources } from '../hanging.ts';
import type { TableSources } from '../sources.ts';

/** An object that PostgreSQL knows to depend on the column, besides what the table itself has. */
export interface FoundDependent extends DependentFacts {
  /** The name of its kind; `other` for what is none that can be bound anew. */
  readonly kind: string;
  /** For messages, in PostgreSQL's words. */
  readonly description: string;
  /** What in turn depends on a materialized view, which has to be dropped to be made anew. */
  readonly dependsOnIt: readonly string[];
  /** A virtual generated column of a table that has checks: PostgreSQL 18 does not change its expression. */
  readonly fixed: boolean;
  /** The statement that it holds, as PostgreSQL prints it. */
  readonly text: string;
}

interface DependentRow {
  class: string;
  relation_kind: string | null;
  rule: string | null;
  on_own: boolean;
  schema: string | null;
  table: string | null;
  name: string;
  qualified: string | null;
  description: string;
  needs_primary_key: boolean;
  text: string;
  bytes: number;
  virtual: boolean;
  checked: boolean;
  depends_on_it: string[];
}

/**
 * By dependency and attribute number, never by text. Indexes, constraints, statistics, triggers, defaults and sequences
 * of the table have readers of their own. A view is one object, though several of its rules' entries depend.
 */
const DEPENDENTS = `
  ${TREE},
  columns AS (SELECT a.attrelid, a.attnum FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = $2 AND NOT a.attisdropped),
  keys AS (SELECT co.oid FROM pg_constraint co JOIN columns ON columns.attrelid = co.conrelid AND columns.attnum = ANY (co.conkey) WHERE co.contype = 'p'),
  found AS (
    SELECT DISTINCT d.classid, d.objid, CASE WHEN d.classid = 'pg_class'::regclass THEN d.objsubid ELSE 0 END AS part
    FROM pg_depend d JOIN columns ON d.refclassid = 'pg_class'::regclass AND d.refobjid = columns.attrelid AND d.refobjsubid = columns.attnum
    WHERE d.classid NOT IN ('pg_constraint'::regclass, 'pg_statistic_ext'::regclass, 'pg_trigger'::regclass)
      AND NOT (d.classid = 'pg_class'::regclass AND (d.objid IN (SELECT oid FROM tree) OR EXISTS (
        SELECT 1 FROM pg_class c WHERE c.oid = d.objid AND c.relkind IN ('i', 'I', 'S'))))
      AND NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS (
        SELECT 1 FROM pg_attrdef ad JOIN columns own ON own.attrelid = ad.adrelid AND own.attnum = ad.adnum WHERE ad.oid = d.objid))
    UNION SELECT 'pg_proc'::regclass, unnest($3::oid[]), 0)
  SELECT DISTINCT ON (class, schema, "table", name, identity) found.classid::regclass::text AS class, CASE WHEN r.oid IS NULL THEN found.objid ELSE r.oid END AS identity, c.relkind AS relation_kind, r.rulename AS rule, c.oid IN (SELECT oid FROM tree) AS on_own,
    n.nspname AS schema, c.relname AS table,
    coalesce(nullif(r.rulename, '_RETURN'), pol.polname, pub.pubname, g.attname, f.proname, c.relname, found.objid::text) AS name,
    CASE WHEN f.oid IS NOT NULL THEN ${sqlQuoted('fn.nspname')} || '.' || ${sqlQuoted('f.proname')} || '(' || (
           SELECT coalesce(string_agg(${sqlQuoted('an.nspname')} || '.' || ${sqlQuoted('at.typname')}, ', ' ORDER BY k.place), '')
           FROM unnest(f.proargtypes) WITH ORDINALITY AS k(type, place) JOIN pg_type at ON at.oid = k.type JOIN pg_namespace an ON an.oid = at.typnamespace) || ')'
         WHEN r.rulename = '_RETURN' THEN ${sqlQualified('n', 'c')} END AS qualified,
    CASE WHEN r.rulename = '_RETURN' THEN pg_describe_object('pg_class'::regclass, c.oid, 0)
      ELSE pg_describe_object(found.classid, found.objid, found.part) END AS description,
    EXISTS (SELECT 1 FROM pg_depend k WHERE k.classid = found.classid AND k.objid = found.objid AND k.refclassid = 'pg_constraint'::regclass
      AND k.refobjid IN (SELECT oid FROM keys)) AS needs_primary_key,
    CASE WHEN r.rulename = '_RETURN' THEN pg_get_viewdef(c.oid) WHEN r.oid IS NOT NULL THEN pg_get_ruledef(r.oid) WHEN f.oid IS NOT NULL THEN pg_get_functiondef(f.oid)
      WHEN pol.oid IS NOT NULL THEN 'SELECT ' || concat_ws(', ', pg_get_expr(pol.polqual, pol.polrelid), pg_get_expr(pol.polwithcheck, pol.polrelid)) ELSE '' END AS text,
    coalesce(to_jsonb(g) ->> 'attgenerated' = 'v', false) AS virtual, EXISTS (SELECT 1 FROM pg_constraint co WHERE co.conrelid = g.attrelid AND co.contype = 'c') AS checked,
    CASE WHEN c.relkind = 'm' THEN pg_table_size(c.oid) ELSE 0 END::float8 AS bytes,
    CASE WHEN c.relkind = 'm' THEN ARRAY(
      SELECT DISTINCT coalesce(pg_describe_object('pg_class'::regclass, w.ev_class, 0), pg_describe_object(d.classid, d.objid, 0)) FROM pg_depend d
      LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
      WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'n' AND w.ev_class IS DISTINCT FROM c.oid
        AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (SELECT 1 FROM pg_class x WHERE x.oid = d.objid AND x.relkind = 'i'))) ELSE '{}' END AS depends_on_it
  FROM found
  LEFT JOIN pg_rewrite r ON found.classid = 'pg_rewrite'::regclass AND r.oid = found.objid
  LEFT JOIN pg_policy pol ON found.classid = 'pg_policy'::regclass AND pol.oid = found.objid
  LEFT JOIN pg_publication_rel pr ON found.classid = 'pg_publication_rel'::regclass AND pr.oid = found.objid
  LEFT JOIN pg_publication pub ON pub.oid = pr.prpubid
  LEFT JOIN pg_attrdef ad ON found.classid = 'pg_attrdef'::regclass AND ad.oid = found.objid
  LEFT JOIN pg_attribute g ON g.attrelid = ad.adrelid AND g.attnum = ad.adnum
  LEFT JOIN pg_proc f ON found.classid = 'pg_proc'::regclass AND f.oid = found.objid
  LEFT JOIN pg_namespace fn ON fn.oid = f.pronamespace
  LEFT JOIN pg_class c ON c.oid = coalesce(r.ev_class, pol.polrelid, pr.prrelid, ad.adrelid, CASE WHEN found.classid = 'pg_class'::regclass THEN found.objid END)
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
  ORDER BY class, schema, "table", name, identity`;

const MERGING = `
  ${TREE}
  SELECT p.oid::int8::text AS oid, pg_get_functiondef(p.oid) AS definition, ARRAY(SELECT c.relname::text FROM tree JOIN pg_class c ON c.oid = tree.oid) AS tables FROM pg_proc p
  WHERE p.prosqlbody::text LIKE '%:commandType 5 %' AND EXISTS (SELECT 1 FROM pg_depend d
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM tree))`;

/**
 * Functions with parsed bodies whose MERGE writes the column, by their numbers. PostgreSQL (15 to 18) enters no dependency for it, and would drop the
 * column under them: they would go on, and write nothing.
 */
async function mergingFunctions(db: Queryable, table: number, column: string): Promise<string[]> {
  const rows = await all<{ oid: string; definition: string; tables: string[] }>(db, MERGING, [table]);
  const merging: string[] = [];
  for (const { oid, definition, tables } of rows) {
    const trees = await treesOf(definition).catch(() => []);
    if (nodesOf(trees, 'MergeStmt').some((merge) => merges(merge, tables, column))) merging.push(oid);
  }
  return merging;
}

/** Whether a MERGE writes a column of one of the tables. */
function merges({ relation, mergeWhenClauses }: SqlNode, tables: readonly string[], column: string): boolean {
  const { relname = '' } = (relation ?? {}) as { readonly relname?: string };
  const written = nodesOf(mergeWhenClauses, 'MergeWhenClause').flatMap(({ targetList }) =>
    nodesAtTop(targetList, 'ResTarget'),
  );
  return tables.includes(relname) && written.some(({ name }) => name === column);
}

/** Everything bound to the column of a table or of its partitions, by kind. */
export async function readDependents(db: Queryable, table: number, column: string): Promise<FoundDependent[]> {
  const rows = await all<DependentRow>(db, DEPENDENTS, [table, column, await mergingFunctions(db, table, column)]);
  return rows.map((row) => {
    const kind = kindOf(row);
    const on: QualifiedName | null =
      row.schema === null || row.table === null || row.qualified !== null
        ? null
        : { schema: row.schema, name: row.table };
    return {
      kind,
      name: row.qualified ?? row.name,
      on,
      needsPrimaryKey: row.needs_primary_key,
      waitsForKey: row.needs_primary_key && !row.text.includes('ON CONFLICT ON CONSTRAINT'),
      upserts: row.text.includes('ON CONFLICT'),
      rewrites: kind === 'materialized view' || (kind === 'generated column' && !row.virtual),
      fixed: row.virtual && row.checked,
      text: row.text,
      bytes: row.bytes,
      description: row.description,
      dependsOnIt: row.depends_on_it,
    };
  });
}

/** The same for those who read all kinds of objects of a table. */
export function dependentsOn(sources: TableSources): Promise<FoundDependent[]> {
  return sources.once(readOfTable);
}

export function hangingDependents(sources: HangingSources): Promise<FoundDependent[]> {
  return sources.once(readHanging);
}

const readOfTable = ({ db, table, names }: TableSources) => readDependents(db, table.oid, names.from);
const readHanging = ({ db, table, column }: HangingSources) => readDependents(db, table, column);

function kindOf({ class: kind, relation_kind, rule, on_own }: DependentRow): string {
  switch (kind) {
    case 'pg_rewrite':
      if (rule !== '_RETURN') return on_own ? 'rule on the table' : 'rule';
      return relation_kind === 'm' ? 'materialized view' : 'view';
    case 'pg_policy':
      return 'policy';
    case 'pg_proc':
      return 'function';
    case 'pg_publication_rel':
      return 'publication';
    case 'pg_attrdef':
      return on_own ? 'generated column' : 'other';
    default:
      return 'other';
  }
}
