import { expect } from '@jest/globals';
import { diffSchemas } from '../../src/schema/diff.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

/** What a table looks like by psql's own means; pg-delta does not model all of it. */
const FINGERPRINT = `
  SELECT 'column' AS kind, a.attname AS name, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage,
      a.attcompression, a.attstattarget, a.attoptions, a.attacl, col_description(a.attrelid, a.attnum), pg_get_expr(d.adbin, d.adrelid)) AS facts
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT 'index', c.relname, concat_ws(' ', pg_get_indexdef(c.oid), obj_description(c.oid, 'pg_class'), i.indisvalid, i.indisclustered, i.indisreplident,
      (SELECT string_agg(attnum || ':' || attstattarget, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attstattarget >= 0))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::regclass
  UNION ALL
  SELECT 'constraint', conname, concat_ws(' ', pg_get_constraintdef(oid), convalidated, obj_description(oid, 'pg_constraint'))
  FROM pg_constraint WHERE conrelid = $1::regclass
  UNION ALL
  SELECT 'trigger', tgname, concat_ws(' ', pg_get_triggerdef(oid), tgenabled, obj_description(oid, 'pg_trigger'))
  FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal
  UNION ALL
  SELECT 'statistics', stxname, concat_ws(' ', pg_get_statisticsobjdef(oid), stxstattarget, obj_description(oid, 'pg_statistic_ext'))
  FROM pg_statistic_ext WHERE stxrelid = $1::regclass
  ORDER BY 1, 2`;

/** Everything that is known of a table. */
export async function fingerprint(database: TestDatabase, table: string): Promise<object[]> {
  return database.sql(FINGERPRINT, [table]);
}

/** What `ALTER TABLE ... RENAME COLUMN` makes of the same table, in a database of its own. */
export async function plainRename(
  server: string,
  schema: string,
  table: string,
  from: string,
  to: string,
): Promise<TestDatabase> {
  const database = await createDatabase(server);
  await database.sql(schema);
  await database.sql(`ALTER TABLE ${table} RENAME COLUMN ${from} TO ${to}`);
  return database;
}

/** Nothing differs between a renamed table and what a plain rename gives, but the column's position. */
export async function expectPlainRename(renamed: TestDatabase, plain: TestDatabase, table: string): Promise<void> {
  expect(await fingerprint(renamed, table)).toEqual(await fingerprint(plain, table));
  expect(await diffSchemas(renamed.url, plain.url)).toEqual([]);
}
