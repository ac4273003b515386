import { type AttributePair, lostAttributes } from '../catalog/attributes.ts';
import { readChangingTriggers } from '../catalog/changing-triggers.ts';
import { locate } from '../catalog/locate.ts';
import { readMentions } from '../catalog/mentions.ts';
import { triggerDefinitions } from '../catalog/pair.ts';
import { OTHER_PARENTS } from '../catalog/shape.ts';
import { TREE } from '../catalog/tree.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { MentionFacts } from '../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import {
  converted,
  inPhase,
  kindOfChange,
  outOfStep,
  type Rename,
  reboundTriggers,
  syncedWith,
  syncTriggers,
} from '../domain/rename.ts';
import { readAcknowledged } from '../ledger/acknowledgements.ts';
import { recordMismatches } from '../ledger/mismatches.ts';
import { readPairs } from '../ledger/pairs.ts';
import { readStragglers } from '../ledger/stragglers.ts';
import type { HangingObject } from '../objects/hanging.ts';
import { isBoundName } from '../objects/registry.ts';
import { type LedgerDb, one, type Queryable } from '../postgres/queryable.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { formatDuration } from '../project/duration.ts';
import { ensureComplete } from './complete.ts';
import { countMismatches } from './mismatches.ts';
import { unacknowledgedBreaks } from './preflight.ts';
import { recorded } from './recorded.ts';
import { uncarriedObjects } from './uncarried.ts';

/** Steps that a gate guards. */
export type GatedStep = 'switch' | 'contract';

interface GateOptions {
  readonly stragglerWindowMs: number;
  /** The other parts of the change: what these carry over is not lost. */
  readonly beside?: readonly Rename[];
}

/** Before which step, and beside what, it is looked. */
interface Looking {
  readonly step: GatedStep;
  readonly beside: readonly Rename[];
}

/** The gated step that a migration is, or null. */
export function gatedStepOf({ step }: Pick<OrderedMigration, 'step'>): GatedStep | null {
  return step === 'switch' || step === 'contract' ? step : null;
}

/**
 * The gate of a step, outside any transaction and without long locks. Its result goes into the ledger.
 * @returns what may be lost, as far as its text tells, in words: for people to look at.
 * @throws PH2005 mismatches, PH2006 stragglers, PH2007 the phase before is not complete, PH2008 something would be lost.
 */
export async function checkGate(
  db: LedgerDb,
  rename: Rename,
  step: GatedStep,
  { stragglerWindowMs, beside = [] }: GateOptions,
): Promise<string[]> {
  const phase = step === 'switch' ? 2 : 3;
  const { doubts } = await recorded(db, { rename: rename.name, phase }, async () => {
    const found = await inRolledBackTransaction(db, () => recheckGate(db, rename, step, { stragglerWindowMs, beside }));
    await ensureNothingBreaks(db, rename, phase);
    return { mismatches: await ensureInStep(db, rename, step), doubts: found };
  });
  return doubts;
}

/**
 * Counts the rows that are not in step. What goes in the third phase of a change of type is there to go back to alone: nobody reads it, so that nothing is lost with it.
 * @returns 0; null where nobody has to count.
 * @throws PH2005
 */
async function ensureInStep(db: LedgerDb, rename: Rename, step: GatedStep): Promise<0 | null> {
  if (rename.retype !== null && step === 'contract') return null;
  const mismatches = await countMismatches(db, rename, step === 'switch' ? 1 : 2);
  await recordMismatches(db, rename.name, mismatches);
  if (mismatches > 0) throw new PhaseError('PH2005', { rename: rename.name, mismatches, ...mending(rename) });
  return 0;
}

/** What was made since the first phase and counts on the table's columns by their order is right until the old one goes. */
async function ensureNothingBreaks(db: LedgerDb, rename: Rename, phase: 2 | 3): Promise<void> {
  const objects = await unacknowledgedBreaks(db, rename);
  if (objects.length > 0)
    throw new PhaseError('PH2008', { rename: rename.name, phase, kind: kindOfChange(rename), objects });
}

/** Statements that show the rows that differ, and that put them right by the rules of the sync. */
function mending(rename: Rename): { where: string; mend: string } {
  const { table, from, to, retype } = rename;
  const [on, old, fresh] = [quoteQualified(table), quoteIdent(from), quoteIdent(to)];
  const condition = outOfStep(rename, old, fresh);
  return {
    where: `SELECT * FROM ${on} WHERE ${condition}`,
    mend: `UPDATE ${on} SET ${fresh} = ${retype === null ? fresh : converted(retype.forward, old)} WHERE ${condition}`,
  };
}

/**
 * What could change between the gate and the step: checked again in the step's transaction, once it has its lock.
 * @returns what may be lost, as `checkGate` does.
 */
export function recheckGate(
  db: LedgerDb,
  change: Rename,
  step: GatedStep,
  { stragglerWindowMs, beside = [] }: GateOptions,
): Promise<string[]> {
  const rename = inPhase(change, step === 'switch' ? 1 : 2);
  return underQualifiedNames(db, async () => {
    const places = await locate(db, rename.table, rename.from, rename.to);
    const present = await ensureColumns(rename, places);
    await ensureNoOtherParents(db, rename, present.table);
    const columns = syncedWith([change, ...beside], change).map(({ from }) => from);
    const together = change.retype === null ? { columns } : {};
    await ensureComplete(db, rename, { table: present.table, place: step === 'switch' ? 0 : 1, ...together });
    if (step === 'contract' && rename.retype === null) await ensureNoStragglers(db, rename, stragglerWindowMs);
    return ensureNothingLost(db, rename, present.table, { step, beside });
  });
}

interface Present {
  readonly table: number;
}

async function ensureColumns(
  rename: Rename,
  { table, from, to }: Awaited<ReturnType<typeof locate>>,
): Promise<Present> {
  const missing = [
    ...(table === null ? [`table ${quoteQualified(rename.table)}`] : []),
    ...(from === null ? [`column ${quoteIdent(rename.from)}`] : []),
    ...(to === null ? [`column ${quoteIdent(rename.to)}`] : []),
  ];
  if (table === null || from === null || to === null) throw new PhaseError('PH2007', { rename: rename.name, missing });
  return { table };
}

/** A column that a table has from a parent outside of the rename, too, stays when it goes here. */
async function ensureNoOtherParents(db: Queryable, rename: Rename, table: number): Promise<void> {
  const { own, children } = await one<{ own: string[]; children: string[] }>(
    db,
    `${TREE} SELECT ${OTHER_PARENTS('$2')} || ${OTHER_PARENTS('$3')} AS children,
       ARRAY(SELECT DISTINCT c.oid::regclass::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.oid = $1::oid AND a.attname IN ($2, $3) AND a.attinhcount > 0) AS own`,
    [table, rename.from, rename.to],
  );
  const tables = [...new Set([...own, ...children])];
  if (tables.length === 0) return;
  const objects = tables.map((name) => `the columns that table ${name} has from another parent, too`);
  throw new PhaseError('PH2008', { rename: rename.name, phase: 2, kind: kindOfChange(rename), objects });
}

/** @throws PH2006 */
export async function ensureNoStragglers(
  db: LedgerDb,
  rename: Pick<Rename, 'name' | 'sync'>,
  windowMs: number,
): Promise<void> {
  const { count, lastAt, ageMs } = await readStragglers(db, rename);
  if (ageMs >= windowMs) return;
  throw new PhaseError('PH2006', {
    rename: rename.name,
    stragglers: count,
    last: lastAt ?? '',
    window: formatDuration(windowMs),
  });
}

/**
 * Nothing hangs on the old column that is not carried over: PostgreSQL drops some of it without a word. Before phase 2 that is a
 * default which somebody gave it by hand: on one side alone it would even lose values.
 * @returns functions that may use the old column, in words.
 */
async function ensureNothingLost(db: LedgerDb, rename: Rename, table: number, looking: Looking): Promise<string[]> {
  const { step } = looking;
  const { objects: found, blocking, doubts } = await lostObjects(db, rename, table, looking);
  const acknowledged = await readAcknowledged(db, rename.name);
  const objects = found.filter((object) => blocking.includes(object) || !acknowledged.has(object));
  if (objects.length > 0)
    throw new PhaseError('PH2008', {
      rename: rename.name,
      phase: step === 'switch' ? 2 : 3,
      kind: kindOfChange(rename),
      objects,
      blocking,
    });
  return doubts;
}

interface LostObjects {
  readonly objects: readonly string[];
  /** Those with which PostgreSQL drops no column: to acknowledge them would not help. */
  readonly blocking: readonly string[];
  /** What may use the old column, or change one alone, in words. */
  readonly doubts: string[];
}

async function lostObjects(db: LedgerDb, rename: Rename, table: number, looking: Looking): Promise<LostObjects> {
  const { step } = looking;
  // What a column of a retype has itself the exchange takes along.
  const attributes = rename.retype === null ? await lostAttributes(db, table, rename, step === 'switch' ? 2 : 3) : [];
  const functions = step === 'switch' ? [] : await unreviewedFunctions(db, rename, table);
  const inWords = (use: MentionFacts['use']): string[] =>
    functions.filter((mention) => mention.use === use).map((mention) => functionInWords(rename, mention));
  const hanging = await hangingStill(db, rename, table, looking);
  const objects = [
    ...hanging.map(({ description }) => description),
    ...attributes.map((pair) => attributeInWords(rename, pair)),
    ...inWords('certain'),
    ...(await changedTriggers(db, rename)),
  ];
  const blocking = hanging.filter(({ blocks }) => blocks).map(({ description }) => description);
  const doubts = inWords('possible').map((words) => `${words}, which may use the old column`);
  return { objects, blocking, doubts: [...doubts, ...(await triggersInDoubt(db, rename, table))] };
}

/** A rename drops its old column in the third phase; of a retype all that hangs on it goes in the second, where what is bound by its text is made again from that. */
async function hangingStill(
  db: Queryable,
  rename: Rename,
  table: number,
  { step, beside }: Looking,
): Promise<readonly HangingObject[]> {
  if (rename.retype === null && step === 'switch') return [];
  const uncarried = await uncarriedObjects(db, rename, table, beside);
  if (rename.retype === null) return uncarried;
  // What holds an upsert depends on every column, and is put aside while one goes.
  return uncarried.filter(({ kind, freedLast }) => (step === 'contract' ? !freedLast : !isBoundName(kind)));
}

/** Triggers that were made since the sync was scaffolded, and give the row another value as a whole: that does not reach the other column. */
async function triggersInDoubt(db: Queryable, { sync, from, to, retype }: Rename, table: number): Promise<string[]> {
  if (sync.last !== null || retype !== null) return [];
  const ours = [...syncTriggers(sync, 1), ...syncTriggers(sync, 2)];
  const triggers = await readChangingTriggers(db, table, [from, to], ours);
  return triggers
    .filter(({ column }) => column === null)
    .map(({ name, on }) => `trigger ${quoteIdent(name)} of ${on}, which may change one of ${from} and ${to} alone`);
}

/** What the gate of the third phase would name now, acknowledged or not, but for what cannot be. In a transaction. */
export function objectsNamed(db: LedgerDb, rename: Rename): Promise<readonly string[]> {
  return underQualifiedNames(db, async () => {
    const { table } = await locate(db, rename.table, rename.from, rename.to);
    if (table === null) return [];
    const { objects, blocking } = await lostObjects(db, rename, table, { step: 'contract', beside: [] });
    return objects.filter((object) => !blocking.includes(object));
  });
}

/**
 * Functions that triggers run, of any table, and that use the old column, but for those that phase 2 has brought to a version which somebody
 * has reviewed.
 */
async function unreviewedFunctions(db: LedgerDb, rename: Rename, table: number): Promise<MentionFacts[]> {
  const { sync, from } = rename;
  const ours = new Set([...sync.functions, ...(sync.last?.functions ?? [])]);
  const mentions = await readMentions(db, { ...rename.table, oid: table }, from, ours);
  const reviewed = (await readPairs(db)).find((record) => record.rename === rename.name)?.reviewed ?? {};
  return mentions.filter(
    ({ triggers, triggersElsewhere, procedure, md5 }) =>
      triggers.length + triggersElsewhere.length > 0 && reviewed[procedure] !== md5,
  );
}

/** Triggers that the next phase would bring to the form that they had, though somebody has made them anew. */
async function changedTriggers(db: LedgerDb, rename: Rename): Promise<string[]> {
  const known = (await readPairs(db)).find((record) => record.rename === rename.name)?.reviewed ?? {};
  const now = await triggerDefinitions(db, reboundTriggers(rename));
  return Object.entries(now)
    .filter(([trigger, md5]) => known[trigger] !== undefined && known[trigger] !== md5)
    .map(([trigger]) => `${trigger}, which was made anew and would be set back`);
}

function functionInWords({ from }: Rename, { signature, triggers, triggersElsewhere }: MentionFacts): string {
  const names = [...triggers.map(quoteIdent), ...triggersElsewhere].join(', ');
  return `function ${signature} of the trigger ${names}, which names ${quoteIdent(from)}`;
}

function attributeInWords({ from: column }: Rename, { attribute, from, on, root }: AttributePair): string {
  const what = attribute === 'not null' ? 'NOT NULL' : `the ${attribute} ${from}`;
  return `${what} of column ${quoteIdent(column)}${root ? '' : ` on ${on}`}`;
}
