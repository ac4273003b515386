import { locate, readHangingObjects } from '../catalog/hanging.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { type Rename, renameStepOf } from '../domain/rename.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { formatDuration } from '../project/duration.ts';
import { countMismatches, recordMismatches } from './mismatches.ts';
import { readStragglers } from './stragglers.ts';

/** Steps that a gate guards. */
export type GatedStep = 'switch' | 'contract';

/** The gated step that a migration is, or null. */
export function gatedStepOf(migration: Pick<OrderedMigration, 'id' | 'rename'>): GatedStep | null {
  const step = migration.rename === undefined ? null : renameStepOf(migration.id);
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
    await recheckGate(db, rename, step, stragglerWindowMs);
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
  await ensureComplete(db, rename, present.table, step);
  if (step === 'switch') return;
  await ensureNoStragglers(db, rename, stragglerWindowMs);
  await ensureNothingLeftBehind(db, rename, present);
}

interface Present {
  readonly table: number;
  readonly from: number;
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
  return { table, from };
}

/** A child table that was made meanwhile has the columns but not the sync: its rows would be lost. */
async function ensureNoChildren(db: Queryable, rename: Rename, table: number): Promise<void> {
  const rows = await all<{ name: string }>(
    db,
    `SELECT CASE inhparent WHEN $1::oid THEN inhrelid ELSE inhparent END::regclass::text AS name
     FROM pg_inherits WHERE inhparent = $1::oid OR inhrelid = $1::oid`,
    [table],
  );
  if (rows.length === 0) return;
  const objects = rows.map(({ name }) => `the columns of table ${name}, which inherits from it or the other way round`);
  throw new PhaseError('PH2008', { rename: rename.name, objects });
}

/** The sync is in place, and everything that phase 1 builds is there, valid and validated. */
async function ensureComplete(db: Queryable, rename: Rename, table: number, step: GatedStep): Promise<void> {
  const place = step === 'switch' ? 0 : 1;
  const triggers = [rename.sync.triggers[place], rename.sync.last?.triggers[place]].filter(
    (name) => name !== undefined,
  );
  const present = await all<{ kind: string; name: string }>(
    db,
    `SELECT 'trigger' AS kind, tgname AS name FROM pg_trigger WHERE tgrelid = $1::oid AND tgenabled IN ('O', 'A')
     UNION ALL SELECT 'index', c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indisready
     UNION ALL SELECT 'statistics', stxname FROM pg_statistic_ext WHERE stxrelid = $1::oid
     UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE conrelid = $1::oid AND convalidated
     UNION ALL SELECT 'not null', attname FROM pg_attribute WHERE attrelid = $1::oid AND attnotnull`,
    [table],
  );
  const has = (kind: string, name: string) => present.some((object) => object.kind === kind && object.name === name);
  const missing = [
    ...triggers.filter((name) => !has('trigger', name)).map((name) => `trigger ${quoteIdent(name)}`),
    ...rename.carried.flatMap((object) => {
      if (object.kind === 'trigger') return [];
      const kind = object.kind === 'index' || object.kind === 'statistics' ? object.kind : 'constraint';
      return has(kind, object.twin) ? [] : [`${kind} ${quoteIdent(object.twin)}`];
    }),
    ...(rename.notNull && !has('not null', rename.to) ? [`NOT NULL of ${quoteIdent(rename.to)}`] : []),
  ];
  if (missing.length > 0) throw new PhaseError('PH2007', { rename: rename.name, missing });
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

/** Nothing hangs on the old column that is not carried over: PostgreSQL drops some of it without a word. */
async function ensureNothingLeftBehind(db: Queryable, rename: Rename, { table, from }: Present): Promise<void> {
  const ours = [...rename.sync.triggers, ...(rename.sync.last?.triggers ?? [])];
  const hanging = await readHangingObjects(db, table, { number: from, name: rename.from }, ours);
  const carried = new Set(rename.carried.map(({ kind, name }) => `${kind} ${name}`));
  const twins = new Set(rename.carried.flatMap((object) => (object.kind === 'trigger' ? [] : [object.twin])));
  const lost = hanging.filter(({ kind, name }) => !carried.has(`${kind} ${name}`) && !twins.has(name));
  if (lost.length > 0) {
    throw new PhaseError('PH2008', { rename: rename.name, objects: lost.map(({ description }) => description) });
  }
}
