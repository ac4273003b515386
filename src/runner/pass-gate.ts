import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import type { Mapping } from '../domain/mapping.ts';
import type { Move } from '../domain/move.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { partsOf, type Rename } from '../domain/rename.ts';
import { checkGate, type GatedStep, gatedStepOf } from '../gates/gate.ts';
import { checkMappingGate, checkMappingPreflight } from '../gates/mapping.ts';
import { checkMoveGate, checkMovePreflight } from '../gates/move.ts';
import { checkPreflight } from '../gates/preflight.ts';
import { copyNotNull } from '../operations/attributes.ts';
import { gateKey } from '../operations/context.ts';
import { renewTwins } from './pairs/anew.ts';
import { carryOverRest } from './pairs/carry-over.ts';
import { rebindAnew } from './pairs/rebound.ts';
import { catchUpMapping, catchUpPartitions } from './partitions.ts';
import type { Session } from './session.ts';

/** What has to hold before a step of a rename, and what may be made good before it. */
export async function passGate(session: Session, entry: OrderedMigration): Promise<void> {
  const mapping = session.history.mappings.get(entry.rename ?? '');
  if (mapping !== undefined) return passMappingGate(session, entry, mapping);
  const move = session.history.moves.get(entry.rename ?? '');
  if (move !== undefined) return passMoveGate(session, entry, move);
  const rename = session.history.renames.get(entry.rename ?? '');
  if (!rename || entry.step === undefined) return;
  const parts = partsOf(session.history.renames.values(), entry.rename);
  for (const part of parts) {
    await checkPreflight(session.worker, part, entry.step);
    await catchUpPartitions(session, part, entry.step);
  }
  const step = gatedStepOf(entry);
  if (step === null) return;
  await atGate(session, entry, step, async () => {
    const found: string[] = [];
    for (const part of partsOf(session.history.renames.values(), entry.rename)) {
      await makeGood(session, part, step);
    }
    // What was carried over just now counts, too.
    const now = partsOf(session.history.renames.values(), entry.rename);
    for (const part of now) {
      const beside = now.filter(({ name }) => name !== part.name);
      const { stragglerWindowMs } = session.options;
      found.push(...(await checkGate(session.worker, part, step, { stragglerWindowMs, beside })));
    }
    return found;
  });
}

async function passMappingGate(session: Session, entry: OrderedMigration, mapping: Mapping): Promise<void> {
  if (entry.step === undefined) return;
  await checkMappingPreflight(session.worker, mapping, entry.step);
  await catchUpMapping(session, mapping, entry.step);
  const step = gatedStepOf(entry);
  if (step === null) return;
  await atGate(session, entry, step, async () => {
    await checkMappingGate(session.worker, mapping, step, session.options);
    return [];
  });
}

async function passMoveGate(session: Session, entry: OrderedMigration, move: Move): Promise<void> {
  if (entry.step === undefined) return;
  await checkMovePreflight(session.worker, move, entry.step);
  const step = gatedStepOf(entry);
  if (step === null) return;
  await atGate(session, entry, step, async () => {
    await checkMoveGate(session.worker, move, step, session.options);
    return [];
  });
}

/** @param check gives what may be lost, in words. */
async function atGate(
  session: Session,
  { id, rename = '' }: OrderedMigration,
  step: GatedStep,
  check: () => Promise<string[]>,
): Promise<void> {
  const gate = { id, rename, phase: step === 'switch' ? 2 : 3 } as const;
  const { onEvent, trace } = session.options;
  onEvent({ type: 'gateStarted', ...gate });
  try {
    const attributes = { 'triphase.rename': gate.rename, 'triphase.phase': gate.phase };
    const doubts = await trace({ name: `gate of phase ${gate.phase}`, attributes }, check);
    onEvent({ type: 'gatePassed', ...gate, doubts });
  } catch (error) {
    // A lost connection, or a lock that somebody holds, is no word of the gate.
    if (error instanceof PhaseError && error.exitCode === 4) onEvent({ type: 'gateRefused', ...gate, error });
    throw error;
  }
  session.passedGates.add(gateKey(rename, gate.phase));
}

/** What was altered by hand, and can be followed before the gate looks. */
async function makeGood(session: Session, rename: Rename, step: GatedStep): Promise<void> {
  // Nothing hangs any more on the column that a retype has put aside.
  if (rename.retype !== null && step === 'contract') return;
  // What was made anew by hand.
  await renewTwins(session, rename, 'by hand');
  if (step === 'contract') await rebindAnew(session, rename);
  if (rename.retype !== null) await carryOverRest(session, rename);
  // The old column may have become NOT NULL since the first phase.
  await copyNotNull(session.knex, { on: quoteQualified(rename.table), from: rename.from, to: rename.to });
}
