import type { Knex } from 'knex';
import { changesOf, isMapping, isMove } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { mapInTurn } from '../domain/in-turn.ts';
import type { Mapping } from '../domain/mapping.ts';
import type { Move } from '../domain/move.ts';
import { isTwinned, partsOf, type Rename } from '../domain/rename.ts';
import { recheckGate } from '../gates/gate.ts';
import { recheckMappingGate } from '../gates/mapping.ts';
import { recheckMoveGate } from '../gates/move.ts';
import { kindOf } from '../objects/registry.ts';
import { connectionOf } from '../postgres/knex.ts';
import { contextOf, gateKey } from './context.ts';
import { execute, isTransaction, onConnection } from './execute.ts';
import { lockFirst } from './rebind.ts';

/**
 * Takes the locks of the step, and checks again what may have changed since its gate: the sync, the twins, stragglers and
 * what hangs on the old column. The first call of the steps 2 and 3 of a rename.
 * @throws PH2006, PH2007, PH2008; PH1026 when there is no such rename, PH3019 when the gate itself was not passed.
 */
export async function confirmGate(knex: Knex, name: string, { phase }: { readonly phase: 2 | 3 }): Promise<void> {
  const context = contextOf(knex);
  const { passedGates } = context;
  const changes = changesOf(context);
  const change = changes.get(name);
  if (change === undefined) throw new PhaseError('PH1026', { rename: name, known: [...changes.keys()] });
  // The count of mismatches is made by the gate alone, which the runner finds by the manifest's entry.
  if (passedGates?.has(gateKey(name, phase)) === false) throw new PhaseError('PH3019', { rename: name, phase });
  if (isMove(change)) await confirmMove(knex, change, phase);
  else if (isMapping(change)) await confirmMapping(knex, change, phase);
  else await confirmParts(knex, partsOf(context.renames.values(), name), phase);
}

async function confirmMapping(knex: Knex, mapping: Mapping, phase: 2 | 3): Promise<void> {
  const { stragglerWindowMs, dryRun } = contextOf(knex);
  await execute(knex, `LOCK TABLE ${quoteQualified(mapping.table)} IN ACCESS EXCLUSIVE MODE`);
  if (dryRun || !isTransaction(knex)) return;
  const db = await connectionOf(knex);
  await recheckMappingGate(db, mapping, phase === 2 ? 'switch' : 'contract', { stragglerWindowMs });
}

async function confirmMove(knex: Knex, move: Move, phase: 2 | 3): Promise<void> {
  const { stragglerWindowMs, dryRun } = contextOf(knex);
  const tables = [move.table, move.toTable].map(quoteQualified);
  await execute(knex, `LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE`);
  if (dryRun || !isTransaction(knex)) return;
  const db = await connectionOf(knex);
  await recheckMoveGate(db, move, phase === 2 ? 'switch' : 'contract', { stragglerWindowMs });
}

async function confirmParts(knex: Knex, parts: readonly Rename[], phase: 2 | 3): Promise<void> {
  const { stragglerWindowMs, dryRun } = contextOf(knex);
  if (phase === 2)
    await lockFirst(
      knex,
      parts.flatMap(({ carried }) => carried.filter((object) => !isTwinned(object))),
    );
  const besides = await mapInTurn(parts, (part) => tablesBesides(knex, part, phase));
  const tables = new Set([...besides.flat(), ...parts.map(({ table }) => quoteQualified(table))]);
  await execute(knex, `LOCK TABLE ${[...tables].join(', ')} IN ACCESS EXCLUSIVE MODE`);
  if (dryRun || !isTransaction(knex)) return;
  const db = await connectionOf(knex);
  for (const part of parts) {
    const beside = parts.filter((other) => other !== part);
    await recheckGate(db, part, phase === 2 ? 'switch' : 'contract', { stragglerWindowMs, beside });
  }
}

/**
 * The other tables of foreign keys that the step drops, which PostgreSQL locks with it: those that the table references in
 * phase 2, those that reference it in phase 3. Taken at once, so that none is held while another is waited for in vain.
 */
async function tablesBesides(
  knex: Knex,
  { table, carried, refreshed, retype }: Rename,
  phase: 2 | 3,
): Promise<string[]> {
  // A retype drops them all in its second phase.
  const phases: readonly (2 | 3)[] = retype === null ? [phase] : phase === 2 ? [2, 3] : [];
  const tables = new Set<string>();
  for (const object of [...carried, ...refreshed]) {
    const { lockedTables } = kindOf(object.kind);
    if (lockedTables === undefined) continue;
    for (const phase of phases) {
      const locked = await onConnection(knex, (db) => lockedTables(db, quoteQualified(table), object, phase));
      for (const name of locked) tables.add(name);
    }
  }
  return [...tables].sort();
}
