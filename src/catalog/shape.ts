import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { TREE } from './tree.ts';

/** The table as a whole, and what about it or the column's kind decides whether a rename is possible. */
export interface TableShape {
  readonly partitioned: boolean;
  readonly pages: number;
  /** As estimated by the last ANALYZE; null where there was none. */
  readonly rows: number | null;
  /** With its partitions, without indexes. */
  readonly bytes: number;
  readonly published: readonly string[];
  /** Columns that it has ever had, dropped ones counted. */
  readonly columnsEver: number;
  readonly typed: boolean;
  /** A column that the table has from a parent, which is renamed there. */
  readonly inheritedFrom: string | null;
  /** By plain inheritance, at any level. */
  readonly children: readonly string[];
  /** Children that have the column from another table as well. */
  readonly otherParents: readonly string[];
  readonly foreignPartitions: readonly string[];
  /** Rules that rewrite every UPDATE of a table of the tree. */
  readonly updateRules: readonly string[];
  /** Functions with a parsed body that return rows of the table: one more column breaks them. */
  readonly rowFunctions: readonly string[];
  /** Tables of the tree that PostgreSQL lets nobody update: published, without a replica identity. */
  readonly withoutIdentity: readonly string[];
  /** Partitions in which the column has another default than in the table. */
  readonly ownDefaults: readonly string[];
  /** Columns of other tables whose values are rows of the table: of its row type, arrays and domains over it. */
  readonly rowColumns: readonly string[];
  /** Tables of the tree that are partitioned by the column. */
  readonly partitionedBy: readonly string[];
}

/** SQL for the names of tables in `tree` whose updates PostgreSQL refuses, since it could not replicate them. */
export const WITHOUT_IDENTITY = `ARRAY(
      SELECT DISTINCT t.oid::regclass::text FROM tree JOIN pg_class t ON t.oid = tree.oid AND t.relkind = 'r' JOIN pg_namespace tn ON tn.oid = t.relnamespace
      JOIN pg_publication_tables pt ON pt.schemaname = tn.nspname AND pt.tablename = t.relname JOIN pg_publication p ON p.pubname = pt.pubname AND p.pubupdate
      WHERE NOT (t.relreplident = 'f' OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = t.oid
        AND CASE t.relreplident WHEN 'd' THEN i.indisprimary AND i.indimmediate WHEN 'i' THEN i.indisreplident ELSE false END)) ORDER BY 1)`;

/**
 * SQL for columns elsewhere that hold rows of tables in `tree`, however deep in arrays, domains and other types. What is made of what is read once:
 * neither is indexed, and a table may have hundreds of partitions, each with types of its own.
 */
export const ROW_COLUMNS = `ARRAY(
      WITH RECURSIVE made AS MATERIALIZED (
        SELECT t.typelem AS of, t.oid FROM pg_type t WHERE t.typelem <> 0 AND t.typlen = -1
        UNION ALL SELECT t.typbasetype, t.oid FROM pg_type t WHERE t.typbasetype <> 0
        UNION ALL SELECT r.rngsubtype, r.rngtypid FROM pg_range r
        UNION ALL SELECT a.atttypid, k.reltype FROM pg_class k JOIN pg_attribute a ON a.attrelid = k.oid AND NOT a.attisdropped WHERE k.relkind = 'c'),
      holding(oid) AS (
        SELECT c.reltype FROM tree JOIN pg_class c ON c.oid = tree.oid
        UNION SELECT made.oid FROM holding JOIN made ON made.of = holding.oid)
      SELECT a.attrelid::regclass::text || '.' || quote_ident(a.attname) FROM holding JOIN pg_attribute a ON a.atttypid = holding.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_class k ON k.oid = a.attrelid AND k.relkind IN ('r', 'p', 'm', 'f') ORDER BY 1)`;

/** SQL for names of tables in `tree` that have a column from tables outside of it as well. */
export const OTHER_PARENTS = (column: string): string => `ARRAY(
      SELECT tree.oid::regclass::text FROM tree JOIN pg_attribute k ON k.attrelid = tree.oid AND k.attname = ${column} AND NOT k.attisdropped
      LEFT JOIN (SELECT i.inhrelid, count(*) AS parents FROM tree parent JOIN pg_inherits i ON i.inhparent = parent.oid GROUP BY i.inhrelid) AS own
        ON own.inhrelid = tree.oid
      WHERE tree.oid <> $1::oid AND k.attinhcount > coalesce(own.parents, 0) ORDER BY 1)`;

const SHAPE = `
  ${TREE}
  SELECT c.relkind = 'p' AS partitioned, c.reloftype <> 0 AS typed,
    (SELECT sum(pg_relation_size(tree.oid) / current_setting('block_size')::int)::float8 FROM tree) AS pages,
    (SELECT sum(pg_table_size(tree.oid))::float8 FROM tree) AS bytes,
    (SELECT CASE WHEN NOT bool_or(leaf.reltuples < 0) THEN sum(leaf.reltuples)::float8 END
      FROM tree JOIN pg_class leaf ON leaf.oid = tree.oid AND leaf.relkind = 'r') AS rows,
    (SELECT max(t.relnatts)::int FROM tree JOIN pg_class t ON t.oid = tree.oid) AS "columnsEver",
    CASE WHEN a.attinhcount > 0 THEN (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid ORDER BY inhseqno LIMIT 1) END AS "inheritedFrom",
    ARRAY(SELECT tree.oid::regclass::text FROM tree JOIN pg_class k ON k.oid = tree.oid AND NOT k.relispartition
      WHERE tree.oid <> c.oid ORDER BY 1) AS children,
    ${OTHER_PARENTS('a.attname')} AS "otherParents",
    ARRAY(SELECT r.rulename::text FROM tree JOIN pg_rewrite r ON r.ev_class = tree.oid AND r.ev_type = '2' ORDER BY 1) AS "updateRules",
    ARRAY(SELECT t.oid::regclass::text FROM tree JOIN pg_class t ON t.oid = tree.oid AND t.relkind = 'f' ORDER BY 1) AS "foreignPartitions",
    ARRAY(SELECT f.oid::regprocedure::text FROM pg_proc f JOIN pg_class t ON t.reltype = f.prorettype AND t.oid IN (SELECT oid FROM tree)
      WHERE f.prosqlbody IS NOT NULL ORDER BY 1) AS "rowFunctions",
    ${WITHOUT_IDENTITY} AS "withoutIdentity", ${ROW_COLUMNS} AS "rowColumns",
    ARRAY(SELECT tree.oid::regclass::text FROM tree JOIN pg_attribute k ON k.attrelid = tree.oid AND k.attname = a.attname
      LEFT JOIN pg_attrdef own ON own.adrelid = tree.oid AND own.adnum = k.attnum LEFT JOIN pg_attrdef whole ON whole.adrelid = c.oid AND whole.adnum = a.attnum
      WHERE pg_get_expr(own.adbin, own.adrelid) IS DISTINCT FROM pg_get_expr(whole.adbin, whole.adrelid) ORDER BY 1) AS "ownDefaults",
    ARRAY(SELECT tree.oid::regclass::text FROM tree JOIN pg_partitioned_table p ON p.partrelid = tree.oid
      JOIN pg_attribute k ON k.attrelid = tree.oid AND k.attname = a.attname
      WHERE k.attnum = ANY (p.partattrs::int2[]) OR EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = tree.oid AND d.objsubid = k.attnum
          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = tree.oid AND d.refobjsubid = 0 AND d.deptype = 'i') ORDER BY 1) AS "partitionedBy",
    ARRAY(SELECT p.pubname::text FROM pg_publication p WHERE p.puballtables OR EXISTS (
      SELECT 1 FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid) ORDER BY 1) AS published
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = $2
  WHERE c.oid = $1::oid`;

export function readShape(db: Queryable, table: number, column: number): Promise<TableShape> {
  return one<TableShape>(db, SHAPE, [table, column]);
}

/** Names that twins and functions must not take: relations and functions of the schema, constraints of the table. */
export async function takenNames(db: Queryable, table: QualifiedName & { readonly oid: number }): Promise<string[]> {
  const rows = await all<{ name: string }>(
    db,
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $2
     UNION SELECT conname FROM pg_constraint WHERE conrelid = $1::oid
     UNION SELECT s.stxname FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE n.nspname = $2
     UNION SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $2`,
    [table.oid, table.schema],
  );
  return rows.map(({ name }) => name).sort();
}

/** For messages. */
export function tableInWords(table: QualifiedName): string {
  return `table ${quoteQualified(table)}`;
}
