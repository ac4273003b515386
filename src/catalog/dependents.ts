import type { UnsupportedObject } from '../domain/facts.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';

/**
 * Everything else that hangs on the column, by PostgreSQL's own description. What the readers of indexes, constraints,
 * statistics, triggers, defaults and owned sequences know is left out.
 */
const OTHERS = `
  SELECT DISTINCT coalesce(pg_describe_object('pg_class'::regclass, r.ev_class, 0), pg_describe_object(d.classid, d.objid, 0)) AS object
  FROM pg_depend d
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
  LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND d.refobjsubid = $2
    AND NOT (d.classid = 'pg_class'::regclass AND c.relkind IN ('i', 'S'))
    AND NOT (d.classid = 'pg_class'::regclass AND d.objid = $1::oid)
    AND NOT (d.classid = 'pg_statistic_ext'::regclass AND EXISTS (SELECT 1 FROM pg_statistic_ext s WHERE s.oid = d.objid AND s.stxrelid = $1::oid))
    AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (SELECT 1 FROM pg_trigger t WHERE t.oid = d.objid AND t.tgrelid = $1::oid))
    AND NOT (d.classid = 'pg_constraint'::regclass AND EXISTS (
      SELECT 1 FROM pg_constraint co WHERE co.oid = d.objid AND (co.contype IN ('c', 'f', 'u', 'n') AND co.conrelid = $1::oid)
        AND NOT (co.contype = 'f' AND co.confrelid = $1::oid AND $2 = ANY (co.confkey))))
    AND NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS (
      SELECT 1 FROM pg_attrdef ad WHERE ad.oid = d.objid AND ad.adrelid = $1::oid AND ad.adnum = $2))
  ORDER BY 1`;

const LATER = 'Rename the column in a maintenance window, or drop the object first and create it again afterwards.';

/** What hangs on the column besides indexes, constraints and triggers: refused by name. */
export async function readOtherDependents(db: Queryable, table: number, column: number): Promise<UnsupportedObject[]> {
  const rows = await all<{ object: string }>(db, OTHERS, [table, column]);
  return rows.map(({ object }) => ({
    object,
    reason: 'it is bound to the column and cannot be carried over yet',
    instead: LATER,
  }));
}

interface ShapeRow {
  kind: string;
  partition: boolean;
  inherits: boolean;
  inherited: boolean;
  typed: boolean;
  identity: string;
  generated: string;
  domain: string | null;
  temporary: boolean;
  pages: number;
  rows: number;
  published: string[];
  used: number;
}

const SHAPE = `
  SELECT c.relkind AS kind, c.relispartition AS partition, c.relpersistence = 't' AS temporary,
    EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = c.oid) AS inherits,
    EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = c.oid) AS inherited,
    c.reloftype <> 0 AS typed, a.attidentity AS identity, a.attgenerated AS generated,
    CASE WHEN t.typtype = 'd' THEN format_type(a.atttypid, NULL) END AS domain,
    (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8 AS pages, greatest(c.reltuples, 0)::float8 AS rows,
    c.relnatts::int AS used,
    ARRAY(SELECT p.pubname::text FROM pg_publication p WHERE p.puballtables OR EXISTS (
      SELECT 1 FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid) ORDER BY 1) AS published
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = $2
  JOIN pg_type t ON t.oid = a.atttypid
  WHERE c.oid = $1::oid`;

/** The table as a whole, and what about it or the column's kind cannot be carried over. */
export interface TableShape {
  readonly pages: number;
  readonly rows: number;
  readonly published: readonly string[];
  readonly unsupported: readonly UnsupportedObject[];
}

export async function readShape(db: Queryable, table: number, column: number, name: string): Promise<TableShape> {
  const row = await one<ShapeRow>(db, SHAPE, [table, column]);
  const refuse = (when: boolean, object: string, reason: string): UnsupportedObject[] =>
    when ? [{ object, reason, instead: LATER }] : [];
  return {
    pages: row.pages,
    rows: row.rows,
    published: row.published,
    unsupported: [
      ...refuse(
        row.kind === 'p' || row.partition,
        `partitioned table ${name}`,
        'partitions cannot be carried over yet',
      ),
      ...refuse(
        !row.partition && row.kind === 'r' && (row.inherits || row.inherited),
        `inheritance of ${name}`,
        'a child or parent table has the column, too',
      ),
      ...refuse(row.typed, `typed table ${name}`, 'its columns come from a type'),
      ...refuse(row.identity !== '', 'identity of the column', 'an identity cannot stand on two columns of one table'),
      ...refuse(row.generated !== '', 'generated column', 'its value cannot be written by a trigger'),
      ...refuse(row.domain !== null, `domain ${row.domain}`, 'adding a column of a domain can rewrite the table'),
      ...refuse(
        row.used >= 1_600,
        `table ${name}`,
        'it has had 1,600 columns, dropped ones counted; PostgreSQL adds no more',
      ),
    ],
  };
}
