import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA, holdsLedger } from '../domain/ledger-schema.ts';
import { stragglerCounter } from '../domain/straggler-counter.ts';
import type { Renames } from '../planner/passing.ts';
import { plainDatabase, withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

export interface Dump {
  /** For messages. */
  readonly file: string;
  readonly sql: string;
  readonly renames: Renames;
}

/** Rows, which only psql can load. */
const COPY = /^COPY .* FROM stdin;$/im;
/** Commands for psql alone, such as `\\restrict`. */
const PSQL = /^\\.*$/gm;

/**
 * Loads a schema as pg_dump writes it into an empty database.
 * @throws PH1030
 */
export async function loadDump(url: string, { file, sql, renames }: Dump): Promise<void> {
  if (COPY.test(sql)) throw new PhaseError('PH1030', { file, reason: 'It holds rows, as COPY ... FROM stdin.' });
  await withConnection({ ...plainDatabase(url), applicationName: 'phase testing' }, async (db) => {
    try {
      // A dump of some schemas makes them all.
      if (/^CREATE SCHEMA public;$/m.test(sql)) await db.query('DROP SCHEMA public');
      await db.query(sql.replaceAll(PSQL, ''));
      // A dump says that its search path is empty.
      await db.query('RESET ALL');
      await replaceLedger(db, renames);
    } catch (error) {
      throw new PhaseError('PH1030', { file, reason: `PostgreSQL says: ${reasonOf(error)}.` }, { cause: error });
    }
  });
}

/** The tables of a ledger that was dumped are empty; a sync needs what it counts with, which may have been left out. */
async function replaceLedger(db: Queryable, renames: Renames): Promise<void> {
  const tables = await all<{ name: string }>(
    db,
    `SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND ${holdsLedger('n.oid')}`,
  );
  for (const { name } of tables) await db.query(`DROP TABLE IF EXISTS ${name} CASCADE`);
  for (const { sync } of renames.values()) {
    const { schema = DEFAULT_LEDGER_SCHEMA } = sync.stragglers;
    await db.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdent(schema)}`);
    for (const statement of stragglerCounter(sync.stragglers).create) await db.query(statement);
  }
}
