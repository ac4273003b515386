import type { Knex } from 'knex';
import { stragglerCounter } from '../domain/straggler-counter.ts';
import { execute } from './execute.ts';

/** Names of the two sequences, in the schema of the ledger. */
export interface StragglerSequences {
  readonly count: string;
  readonly last: string;
}

/** Makes what the sync of the second phase counts writes to the old column with, where it is not there yet. */
export async function createStragglers(knex: Knex, sequences: StragglerSequences): Promise<void> {
  for (const statement of stragglerCounter(sequences).create) await execute(knex, statement);
}

/** Undoes `createStragglers`. */
export async function dropStragglers(knex: Knex, sequences: StragglerSequences): Promise<void> {
  for (const statement of stragglerCounter(sequences).drop) await execute(knex, statement);
}
