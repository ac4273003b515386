import type { Knex } from 'knex';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../domain/ledger-schema.ts';
import type { StragglerSequences } from '../domain/rename.ts';
import { stragglerCounter } from '../domain/straggler-counter.ts';
import { ensureTrustedSchema } from '../ledger/owner.ts';
import { takeBackDefaults } from '../postgres/default-privileges.ts';
import { onConnection } from '../postgres/knex.ts';
import { execute, runAll } from './execute.ts';

/** Makes what the sync of the second phase counts writes to the old column with, where it is not there yet. */
export async function createStragglers(knex: Knex, sequences: StragglerSequences): Promise<void> {
  await ensureLedgerSchema(knex, sequences.schema);
  const { schema = DEFAULT_LEDGER_SCHEMA, count, last } = sequences;
  const named = [count, last].map((name) => quoteQualified({ schema, name }));
  // Who may set a sequence could hide that somebody still writes.
  const ours = named.map((name) => takeBackDefaults('SEQUENCE', name));
  await runAll(knex, [...stragglerCounter(sequences).create, ...ours]);
}

/** That of the ledger is there; another one stood in the configuration when the rename was scaffolded. @throws PH3025 */
export async function ensureLedgerSchema(knex: Knex, schema = DEFAULT_LEDGER_SCHEMA): Promise<void> {
  const isThere = await onConnection(knex, async (db) => {
    await ensureTrustedSchema(db, schema);
    const sql = 'SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1';
    return (await db.query(sql, [schema])).rows.length > 0;
  });
  if (!isThere) await execute(knex, `CREATE SCHEMA IF NOT EXISTS ${quoteIdent(schema)}`);
}

/** Undoes `createStragglers`. */
export async function dropStragglers(knex: Knex, sequences: StragglerSequences): Promise<void> {
  await runAll(knex, stragglerCounter(sequences).drop);
}
