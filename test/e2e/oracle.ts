import { expect } from '@jest/globals';
import { quoteIdent } from '../../src/domain/identifier.ts';
import { diffSchemas } from '../../src/schema/diff.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differencesOf, fingerprint } from '../support/fingerprint.ts';

/** The same of several columns. */
export async function plainRenames(
  server: string,
  schema: string,
  table: string,
  columns: readonly { readonly from: string; readonly to: string }[],
): Promise<TestDatabase> {
  const database = await createDatabase(server);
  await database.sql(schema);
  for (const { from, to } of columns)
    await database.sql(`ALTER TABLE ${table} RENAME COLUMN ${quoteIdent(from)} TO ${quoteIdent(to)}`);
  return database;
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

/** Nothing differs between a database whose column was renamed and what a plain rename gives, but the column's position. */
export async function expectPlainRename(renamed: TestDatabase, plain: TestDatabase): Promise<void> {
  await expectSameCatalogue(renamed, plain);
  expect(await diffSchemas(renamed.url, plain.url)).toEqual([]);
}

/** The same by the catalogues alone. */
export async function expectSameCatalogue(left: TestDatabase, right: TestDatabase): Promise<void> {
  expect(differencesOf(await fingerprint(left), await fingerprint(right))).toEqual([]);
}
