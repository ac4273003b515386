import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { recheckGate } from '../gates/gate.ts';
import { connectionOf, runSql } from '../postgres/knex.ts';
import { contextOf } from './context.ts';
import { isTransaction } from './execute.ts';

/**
 * Takes the table's lock, and checks again what may have changed since the step's gate: the sync, the twins, stragglers
 * and what hangs on the old column. The first call of the steps 2 and 3 of a rename.
 * @throws PH2006, PH2007, PH2008; PH1014 when there is no such rename.
 */
export async function confirmGate(knex: Knex, name: string, { phase }: { readonly phase: 2 | 3 }): Promise<void> {
  const { renames, stragglerWindowMs, dryRun } = contextOf(knex);
  const rename = renames.get(name);
  if (!rename) throw new PhaseError('PH1014', { rename: name });
  await runSql(knex, `LOCK TABLE ${quoteQualified(rename.table)} IN ACCESS EXCLUSIVE MODE`);
  if (dryRun || !isTransaction(knex)) return;
  await recheckGate(await connectionOf(knex), rename, phase === 2 ? 'switch' : 'contract', stragglerWindowMs);
}
