import type { Changes } from '../domain/change.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA, holdsLedger } from '../domain/ledger-schema.ts';
import { stragglerCounter } from '../domain/straggler-counter.ts';
import type { Database } from '../postgres/connection.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { type Dump, loadDump } from '../schema/load.ts';

/** Loads a dump without its ledger. @returns ids of the migrations that had run in it, by its ledger. @throws PH1030 */
export async function loadForTests(database: Database, dump: Dump, renames: Changes): Promise<string[]> {
  let ran: string[] = [];
  await loadDump(database, dump, async (db) => {
    ran = await migrationsIn(db);
    await replaceLedger(db, renames);
  });
  return ran;
}

const LEDGER_TABLES = `SELECT c.oid::pg_catalog.regclass::text AS name, c.relname::text AS relation FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND ${holdsLedger('n.oid')}`;

async function migrationsIn(db: Queryable): Promise<string[]> {
  const tables = await all<{ name: string; relation: string }>(db, LEDGER_TABLES);
  const [ledger] = tables.filter(({ relation }) => relation === 'migrations');
  if (ledger === undefined) return [];
  const rows = await all<{ id: string }>(db, `SELECT id FROM ${ledger.name} WHERE state = 'applied'`);
  return rows.map(({ id }) => id);
}

/** The ledger of the test's own session is another one; a sync needs what it counts with, which may have been left out. */
async function replaceLedger(db: Queryable, renames: Changes): Promise<void> {
  for (const { name } of await all<{ name: string }>(db, LEDGER_TABLES))
    await db.query(`DROP TABLE IF EXISTS ${name} CASCADE`);
  for (const { sync } of renames.values()) {
    const { schema = DEFAULT_LEDGER_SCHEMA } = sync.stragglers;
    await db.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdent(schema)}`);
    for (const statement of stragglerCounter(sync.stragglers).create) await db.query(statement);
  }
}
