import { TREE } from '../../catalog/tree.ts';
import { all } from '../../postgres/queryable.ts';
import type { TableSources } from '../sources.ts';
import { type ConstraintRow, type FoundConstraint, withoutState } from './read.ts';

/** A foreign key that was found. */
export interface FoundKey extends FoundConstraint {
  /** Whether it references the table's own primary key. */
  readonly toPrimaryKey: boolean;
  /** Size of the table that has it. */
  readonly bytes: number;
  /** In which order keys were made, after which PostgreSQL names what they have made for partitions. */
  readonly made: number;
}

interface ForeignKeyRow extends ConstraintRow {
  to_primary_key: boolean;
  bytes: number;
  made: string;
  schema: string;
  table: string;
  out: boolean;
  old_definition: string;
  new_definition: string;
}

/**
 * A foreign key's definition put together from its columns, the way PostgreSQL prints it; once with the names as they
 * are, which has to give what PostgreSQL prints, and once with the new name.
 */
const FOREIGN_KEYS = `
  ${TREE},
  others AS (SELECT * FROM jsonb_to_recordset($4::jsonb) AS o("table" oid, column_name text, becomes text)),
  members(root, oid) AS (SELECT "table", "table" FROM others UNION SELECT m.root, i.inhrelid FROM pg_inherits i JOIN members m ON i.inhparent = m.oid),
  changing AS (SELECT m.oid AS member, a.attnum AS number, o.becomes FROM others o JOIN members m ON m.root = o."table"
    JOIN pg_attribute a ON a.attrelid = m.oid AND a.attname = o.column_name AND NOT a.attisdropped)
  SELECT co.conname AS name, pg_get_constraintdef(co.oid) AS definition, co.convalidated AS validated,
    coalesce((to_jsonb(co) ->> 'conenforced')::boolean, true) AS enforced, obj_description(co.oid, 'pg_constraint') AS comment,
    cn.nspname AS schema, cc.relname AS table, other.number = ANY (co.confkey) AND EXISTS (SELECT 1 FROM pg_index i WHERE i.indexrelid = co.conindid AND i.indisprimary) AS to_primary_key,
    (SELECT coalesce(sum(pg_table_size(t.relid)), 0)::float8 FROM pg_partition_tree(co.conrelid) AS t) + CASE WHEN cc.relkind = 'r' THEN pg_table_size(cc.oid) ELSE 0 END AS bytes, co.oid::int8::text AS made, own.member IS NOT NULL AND own.number = ANY (co.conkey) AS out,
    'FOREIGN KEY (' || keys.old_names || ')' || tail.before || keys.old_referenced || tail.after || coalesce(' (' || keys.old_set || ')', '') || tail.timing AS old_definition,
    'FOREIGN KEY (' || keys.new_names || ')' || tail.before || keys.new_referenced || tail.after || coalesce(' (' || keys.new_set || ')', '') || tail.timing AS new_definition
  FROM pg_constraint co
  JOIN pg_class cc ON cc.oid = co.conrelid
  JOIN pg_namespace cn ON cn.oid = cc.relnamespace
  JOIN pg_class rc ON rc.oid = co.confrelid
  JOIN pg_namespace rn ON rn.oid = rc.relnamespace
  LEFT JOIN LATERAL (SELECT tree.oid AS member, a.attnum AS number FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = $2
    WHERE tree.oid = co.conrelid) AS own ON true
  LEFT JOIN LATERAL (SELECT tree.oid AS member, a.attnum AS number FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = $2
    WHERE tree.oid = co.confrelid) AS other ON true
  CROSS JOIN LATERAL (
    SELECT
      string_agg(period || quote_ident(a.attname), ', ' ORDER BY k.place) AS old_names,
      string_agg(period || quote_ident(CASE a.attnum WHEN own.number THEN $3 ELSE coalesce((SELECT becomes FROM changing WHERE member = co.conrelid AND number = a.attnum), a.attname) END), ', ' ORDER BY k.place) AS new_names,
      string_agg(period || quote_ident(ra.attname), ', ' ORDER BY k.place) AS old_referenced,
      string_agg(period || quote_ident(CASE ra.attnum WHEN other.number THEN $3 ELSE coalesce((SELECT becomes FROM changing WHERE member = co.confrelid AND number = ra.attnum), ra.attname) END), ', ' ORDER BY k.place) AS new_referenced,
      (SELECT string_agg(quote_ident(s.attname), ', ' ORDER BY sk.place)
         FROM jsonb_array_elements_text(nullif(to_jsonb(co) -> 'confdelsetcols', 'null')) WITH ORDINALITY AS sk(number, place)
         JOIN pg_attribute s ON s.attrelid = co.conrelid AND s.attnum = sk.number::int2) AS old_set,
      (SELECT string_agg(quote_ident(CASE s.attnum WHEN own.number THEN $3 ELSE coalesce((SELECT becomes FROM changing WHERE member = co.conrelid AND number = s.attnum), s.attname) END), ', ' ORDER BY sk.place)
         FROM jsonb_array_elements_text(nullif(to_jsonb(co) -> 'confdelsetcols', 'null')) WITH ORDINALITY AS sk(number, place)
         JOIN pg_attribute s ON s.attrelid = co.conrelid AND s.attnum = sk.number::int2) AS new_set
    FROM unnest(co.conkey, co.confkey) WITH ORDINALITY AS k(own_number, referenced_number, place)
    JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = k.own_number
    JOIN pg_attribute ra ON ra.attrelid = co.confrelid AND ra.attnum = k.referenced_number
    CROSS JOIN LATERAL (SELECT CASE WHEN (to_jsonb(co) ->> 'conperiod')::boolean AND k.place = cardinality(co.conkey) THEN 'PERIOD ' ELSE '' END AS period) AS p
  ) AS keys
  CROSS JOIN LATERAL (
    SELECT
      ' REFERENCES ' || quote_ident(rn.nspname) || '.' || quote_ident(rc.relname) || '(' AS before,
      ')' || CASE co.confmatchtype WHEN 'f' THEN ' MATCH FULL' WHEN 'p' THEN ' MATCH PARTIAL' ELSE '' END
        || CASE co.confupdtype WHEN 'r' THEN ' ON UPDATE RESTRICT' WHEN 'c' THEN ' ON UPDATE CASCADE'
             WHEN 'n' THEN ' ON UPDATE SET NULL' WHEN 'd' THEN ' ON UPDATE SET DEFAULT' ELSE '' END
        || CASE co.confdeltype WHEN 'r' THEN ' ON DELETE RESTRICT' WHEN 'c' THEN ' ON DELETE CASCADE'
             WHEN 'n' THEN ' ON DELETE SET NULL' WHEN 'd' THEN ' ON DELETE SET DEFAULT' ELSE '' END AS after,
      CASE WHEN co.condeferrable THEN ' DEFERRABLE' ELSE '' END
        || CASE WHEN co.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END AS timing
  ) AS tail
  WHERE co.contype = 'f' AND co.conparentid = 0
    AND (own.number = ANY (co.conkey) OR other.number = ANY (co.confkey))
  ORDER BY cn.nspname, cc.relname, co.conname`;

/** Foreign keys that the column is part of, on either side: those out of the table, and those of other tables into it. */
export function keysOn(sources: TableSources): Promise<{ readonly out: FoundKey[]; readonly into: FoundKey[] }> {
  return sources.once(readAll);
}

/**
 * Whether a key can have a second one beside it before phase 3. Of a partitioned table PostgreSQL makes no primary key from an index, so that none is there
 * for it to reference.
 */
export function hasTwin({ shape }: TableSources): (key: FoundKey) => boolean {
  return ({ toPrimaryKey }) => !(shape.partitioned && toPrimaryKey);
}

async function readAll({ db, table, names }: TableSources): Promise<{ out: FoundKey[]; into: FoundKey[] }> {
  const others = (names.others ?? []).map((other) => ({
    table: other.table.oid,
    column_name: other.from,
    becomes: other.to,
  }));
  const rows = await all<ForeignKeyRow>(db, FOREIGN_KEYS, [table.oid, names.from, names.to, JSON.stringify(others)]);
  const found = rows.map((row) => ({
    out: row.out,
    facts: {
      on: { schema: row.schema, name: row.table },
      name: row.name,
      definition: row.new_definition,
      original: row.old_definition,
      validated: row.validated,
      enforced: row.enforced,
      comment: row.comment,
    },
    understood: withoutState(row.definition) === row.old_definition,
    toPrimaryKey: row.to_primary_key === true,
    bytes: row.bytes,
    made: Number(row.made),
  }));
  return { out: found.filter(({ out }) => out), into: found.filter(({ out }) => !out) };
}
