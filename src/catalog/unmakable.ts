import type { UnsupportedObject } from '../domain/facts.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

interface MadeRow {
  /** Table that gets rows. */
  readonly table: number;
  /** Its columns that a row is given. */
  readonly given: readonly string[];
}

/** What keeps a row from being made with values of some columns alone: others that need one, and those that take none. */
export async function readUnmakable(db: Queryable, { table, given }: MadeRow): Promise<UnsupportedObject[]> {
  const rows = await all<{ name: string; isGiven: boolean }>(
    db,
    `WITH RECURSIVE domains AS (
       SELECT oid, oid AS of, typnotnull AS "notNull", typdefault IS NOT NULL AS standing, typbasetype AS base FROM pg_type WHERE typtype = 'd'
       UNION ALL SELECT b.oid, d.of, b.typnotnull, b.typdefault IS NOT NULL, b.typbasetype FROM domains d JOIN pg_type b ON b.oid = d.base)
     SELECT a.attname AS name, a.attname = ANY ($2) AS "isGiven" FROM pg_attribute a
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND CASE WHEN a.attname = ANY ($2) THEN a.attidentity = 'a' OR a.attgenerated <> ''
       ELSE NOT a.atthasdef AND a.attidentity = '' AND (a.attnotnull AND NOT EXISTS (SELECT FROM domains d WHERE d.of = a.atttypid AND d.standing)
         OR EXISTS (SELECT FROM domains d WHERE d.of = a.atttypid AND d."notNull") AND NOT EXISTS (SELECT FROM domains d WHERE d.of = a.atttypid AND d.standing)) END
     ORDER BY a.attnum`,
    [table, given],
  );
  return rows.map(({ name, isGiven }) =>
    isGiven
      ? {
          object: `column ${name}, which the database fills itself`,
          reason: 'a row that is made there is given the value by which it belongs to the other one',
          instead: 'Choose --missing refuse or skip, so that the application makes the rows.',
        }
      : {
          object: `column ${name}, which is NOT NULL and has no default`,
          reason: 'a row that is made there has no value for it',
          instead: 'Give it a default in an earlier release, or choose --missing refuse or skip.',
        },
  );
}

/** Whether a column's type, a domain, allows no NULL: PostgreSQL adds no column of it to a table that has rows. */
export async function isNotNullDomain(db: Queryable, table: number, column: string): Promise<boolean> {
  const rows = await all(
    db,
    `WITH RECURSIVE types AS (
       SELECT t.typnotnull, t.typbasetype FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = $1 AND a.attname = $2
       UNION ALL SELECT b.typnotnull, b.typbasetype FROM types JOIN pg_type b ON b.oid = types.typbasetype)
     SELECT FROM types WHERE typnotnull`,
    [table, column],
  );
  return rows.length > 0;
}
