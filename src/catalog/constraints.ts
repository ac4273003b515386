import type { ConstraintFacts } from '../domain/facts.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import type { Scratch } from './scratch.ts';

interface ConstraintRow {
  name: string;
  definition: string;
  validated: boolean;
  comment: string | null;
}

/** A constraint that was found, and whether it was understood to the letter. */
export interface FoundConstraint {
  readonly facts: ConstraintFacts;
  readonly understood: boolean;
}

const CHECKS = `
  SELECT co.conname AS name, pg_get_constraintdef(co.oid) AS definition, co.convalidated AS validated,
    obj_description(co.oid, 'pg_constraint') AS comment
  FROM pg_constraint co
  WHERE co.conrelid = $1::oid AND co.contype = 'c' AND ($2::int2 IS NULL OR $2 = ANY (co.conkey))
  ORDER BY co.conname`;

/** Checks that name the column, rewritten by the scratch table, where they have the same names. */
export async function readChecks(
  db: Queryable,
  table: number,
  column: number,
  scratch: Scratch,
): Promise<FoundConstraint[]> {
  const own = await all<ConstraintRow>(db, CHECKS, [table, column]);
  const copies = new Map(
    (await all<ConstraintRow>(db, CHECKS, [scratch.oid, null])).map((row) => [row.name, row.definition]),
  );
  return own.map(({ name, definition, validated, comment }) => ({
    facts: {
      name,
      definition: copies.get(name) ?? '',
      original: definition.replace(/ NOT VALID$/, ''),
      validated,
      comment,
    },
    understood: copies.has(name) && !/ NOT ENFORCED$/.test(definition),
  }));
}

interface ForeignKeyRow extends ConstraintRow {
  old_definition: string;
  new_definition: string;
}

/**
 * A foreign key's definition put together from its columns, the way PostgreSQL prints it; once with the names as they
 * are, which has to give what PostgreSQL prints, and once with the new name.
 */
const FOREIGN_KEYS = `
  SELECT co.conname AS name, pg_get_constraintdef(co.oid) AS definition, co.convalidated AS validated,
    obj_description(co.oid, 'pg_constraint') AS comment,
    'FOREIGN KEY (' || own.old_names || ')' || tail.text || coalesce(' (' || own.old_set || ')', '') || tail.timing AS old_definition,
    'FOREIGN KEY (' || own.new_names || ')' || tail.text || coalesce(' (' || own.new_set || ')', '') || tail.timing AS new_definition
  FROM pg_constraint co
  JOIN pg_class rc ON rc.oid = co.confrelid
  JOIN pg_namespace rn ON rn.oid = rc.relnamespace
  CROSS JOIN LATERAL (
    SELECT
      string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) AS old_names,
      string_agg(quote_ident(CASE a.attnum WHEN $2 THEN $3 ELSE a.attname END), ', ' ORDER BY k.place) AS new_names,
      (SELECT string_agg(quote_ident(s.attname), ', ' ORDER BY sk.place)
         FROM jsonb_array_elements_text(nullif(to_jsonb(co) -> 'confdelsetcols', 'null')) WITH ORDINALITY AS sk(number, place)
         JOIN pg_attribute s ON s.attrelid = co.conrelid AND s.attnum = sk.number::int2) AS old_set,
      (SELECT string_agg(quote_ident(CASE s.attnum WHEN $2 THEN $3 ELSE s.attname END), ', ' ORDER BY sk.place)
         FROM jsonb_array_elements_text(nullif(to_jsonb(co) -> 'confdelsetcols', 'null')) WITH ORDINALITY AS sk(number, place)
         JOIN pg_attribute s ON s.attrelid = co.conrelid AND s.attnum = sk.number::int2) AS new_set
    FROM unnest(co.conkey) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = k.number
  ) AS own
  CROSS JOIN LATERAL (
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) AS names
    FROM unnest(co.confkey) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = co.confrelid AND a.attnum = k.number
  ) AS referenced
  CROSS JOIN LATERAL (
    SELECT
      ' REFERENCES ' || quote_ident(rn.nspname) || '.' || quote_ident(rc.relname) || '(' || referenced.names || ')'
        || CASE co.confmatchtype WHEN 'f' THEN ' MATCH FULL' WHEN 'p' THEN ' MATCH PARTIAL' ELSE '' END
        || CASE co.confupdtype WHEN 'r' THEN ' ON UPDATE RESTRICT' WHEN 'c' THEN ' ON UPDATE CASCADE'
             WHEN 'n' THEN ' ON UPDATE SET NULL' WHEN 'd' THEN ' ON UPDATE SET DEFAULT' ELSE '' END
        || CASE co.confdeltype WHEN 'r' THEN ' ON DELETE RESTRICT' WHEN 'c' THEN ' ON DELETE CASCADE'
             WHEN 'n' THEN ' ON DELETE SET NULL' WHEN 'd' THEN ' ON DELETE SET DEFAULT' ELSE '' END AS text,
      CASE WHEN co.condeferrable THEN ' DEFERRABLE' ELSE '' END
        || CASE WHEN co.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END AS timing
  ) AS tail
  WHERE co.conrelid = $1::oid AND co.contype = 'f' AND $2 = ANY (co.conkey) AND co.conparentid = 0
  ORDER BY co.conname`;

/** Foreign keys out of the table that the column is part of. */
export async function readForeignKeys(
  db: Queryable,
  table: number,
  column: number,
  to: string,
): Promise<FoundConstraint[]> {
  const rows = await all<ForeignKeyRow>(db, FOREIGN_KEYS, [table, column, to]);
  return rows.map((row) => ({
    facts: {
      name: row.name,
      definition: row.new_definition,
      original: row.old_definition,
      validated: row.validated,
      comment: row.comment,
    },
    understood: row.definition.replace(/ NOT VALID$/, '') === row.old_definition,
  }));
}
