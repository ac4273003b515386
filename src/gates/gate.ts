import { type AttributePair, lostAttributes } from '../catalog/attributes.ts';
import { type HangingObject, locate, readHangingObjects } from '../catalog/hanging.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { isTwinned, type Rename, syncTriggers } from '../domain/rename.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { formatDuration } from '../project/duration.ts';
import { ensureComplete } from './complete.ts';
import { countMismatches, recordMismatches } from './mismatches.ts';
import { readStragglers } from './stragglers.ts';

/** Steps that a gate guards. */
export type GatedStep = 'switch' | 'contract';

/** The gated step that a migration is, or null. */
export function gatedStepOf({ step }: Pick<OrderedMigration, 'step'>): GatedStep | null {
  return step === 'switch' || step === 'contract' ? step : null;
}

/**
 * The gate of a step, outside any transaction and without long locks. Its result goes into the ledger.
 * @throws PH2005 mismatches, PH2006 stragglers, PH2007 the phase before is not complete, PH2008 something would be lost.
 */
export async function checkGate(
  db: Queryable,
  rename: Rename,
  step: GatedStep,
  stragglerWindowMs: number,
): Promise<void> {
  const phase = step === 'switch' ? 2 : 3;
  const note = (passed: boolean, code: string | null, result: object) =>
    db.query('INSERT INTO phase.gates (rename, phase, passed, error_code, result) VALUES ($1, $2, $3, $4, $5)', [
      rename.name,
      phase,
      passed,
      code,
      JSON.stringify(result),
    ]);
  try {
    await inRolledBackTransaction(db, () => recheckGate(db, rename, step, stragglerWindowMs));
    const mismatches = await countMismatches(db, rename);
    await recordMismatches(db, rename.name, mismatches);
    if (mismatches > 0) throw new PhaseError('PH2005', { rename: rename.name, mismatches });
    await note(true, null, { mismatches });
  } catch (error) {
    if (error instanceof PhaseError) await note(false, error.code, { message: error.message, details: error.details });
    throw error;
  }
}

/** What could change between the gate and the step: checked again in the step's transaction, once it has its lock. */
export async function recheckGate(
  db: Queryable,
  rename: Rename,
  step: GatedStep,
  stragglerWindowMs: number,
): Promise<void> {
  const places = await locate(db, rename.table, rename.from, rename.to);
  const present = await ensureColumns(rename, places);
  await ensureNoChildren(db, rename, present.table);
  await ensureComplete(db, rename, present.table, step === 'switch' ? 0 : 1);
  if (step === 'contract') await ensureNoStragglers(db, rename, stragglerWindowMs);
  await ensureNothingLost(db, rename, present.table, step);
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

/** A child table that was made meanwhile has the columns but not the sync: its rows would be lost. Partitions have it. */
async function ensureNoChildren(db: Queryable, rename: Rename, table: number): Promise<void> {
  const rows = await all<{ name: string }>(
    db,
    `SELECT c.oid::regclass::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = $1::oid AND NOT c.relispartition
     UNION SELECT i.inhparent::regclass::text FROM pg_inherits i JOIN pg_attribute a ON a.attrelid = i.inhrelid
     WHERE i.inhrelid = $1::oid AND a.attname IN ($2, $3) AND a.attinhcount > 0`,
    [table, rename.from, rename.to],
  );
  if (rows.length === 0) return;
  const objects = rows.map(({ name }) => `the columns of table ${name}, which inherits from it or the other way round`);
  throw new PhaseError('PH2008', { rename: rename.name, objects });
}

async function ensureNoStragglers(db: Queryable, rename: Rename, windowMs: number): Promise<void> {
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
 */
async function ensureNothingLost(db: Queryable, rename: Rename, table: number, step: GatedStep): Promise<void> {
  const attributes = await lostAttributes(db, table, rename, step === 'switch' ? 2 : 3);
  const ours = [...syncTriggers(rename.sync, 1), ...syncTriggers(rename.sync, 2)];
  const hanging = step === 'switch' ? [] : await readHangingObjects(db, table, rename.from, ours);
  const objects = [
    ...hanging.filter((object) => !isCarried(rename, object)).map(({ description }) => description),
    ...attributes.map((pair) => attributeInWords(rename, pair)),
  ];
  if (objects.length > 0) throw new PhaseError('PH2008', { rename: rename.name, objects });
}

function attributeInWords({ from: column }: Rename, { attribute, from, on, root }: AttributePair): string {
  const what = attribute === 'not null' ? 'NOT NULL' : `the ${attribute} ${from}`;
  return `${what} of column ${quoteIdent(column)}${root ? '' : ` on ${on}`}`;
}

/** What phase 2 has bound to the new column does not hang on the old one any more; if it does, somebody made it anew. */
function isCarried({ table, carried, refreshed }: Rename, { kind, name, on, freedLast }: HangingObject): boolean {
  const known = [...carried, ...refreshed].find((object) => {
    const place =
      object.on ??
      (kind === 'view' || kind === 'materialized view' || kind === 'function' ? '' : quoteQualified(table));
    return object.kind === kind && object.name === name && place === on;
  });
  if (known === undefined) return false;
  return isTwinned(known) || kind === 'trigger' || kind === 'publication' || freedLast;
}
