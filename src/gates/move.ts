import { columnsOfTable } from '../catalog/columns-of.ts';
import { countMoveMismatches, findMixedGroups, findOnlyThere, findUnplaced } from '../catalog/moved-rows.ts';
import { isUniqueOver } from '../catalog/via.ts';
import { readLackingWriters } from '../catalog/writers.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { asSourcePair, fillingOf, type Move, returningOf } from '../domain/move.ts';
import { type Rename, type RenameSync, type StepName, syncTriggers } from '../domain/rename.ts';
import { recordMismatches } from '../ledger/mismatches.ts';
import { looking } from '../postgres/looking.ts';
import { all, type LedgerDb, type Queryable } from '../postgres/queryable.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { missingTriggers } from './complete.ts';
import { ensureNoStragglers, type GatedStep } from './gate.ts';
import { ensureNothingHangs, namedOf } from './hanging.ts';
import { checkPreflight } from './preflight.ts';
import { recorded } from './recorded.ts';
import { hasNotes, settleLocked, settleNotes } from './settle.ts';

/**
 * Before a step of a move: what the tables and their rows would make it meet.
 * @throws what `checkPreflight` throws, PH2020 for roles that write one table and may not write the other, PH2033 and PH2034 for rows that stand in the way.
 */
export async function checkMovePreflight(db: LedgerDb, move: Move, step: StepName): Promise<void> {
  // The table that the value leaves gets no column.
  await checkPreflight(db, asSourcePair(move), step === 'expand' ? 'backfill' : step);
  await checkPreflight(db, asWidened(move), step);
  await ensureWriters(db, move);
  if (step === 'expand' || step === 'backfill') await ensureRows(db, move);
}

/** A move as what looks at a table that gets one more column sees it. */
export function asWidened(move: Move): Rename {
  return { ...asSourcePair(move), table: move.toTable, from: move.via[0]?.target ?? move.to };
}

/** @throws PH2020 */
export async function ensureWriters(
  db: LedgerDb,
  move: Pick<Move, 'table' | 'from' | 'toTable' | 'to' | 'via' | 'missing'> &
    Partial<Pick<Move, 'sync' | 'targetSync'>>,
): Promise<void> {
  const { table, from, toTable, to, via, missing } = move;
  const privileges = ['SELECT', 'UPDATE'];
  const lacking = [
    ...(await readLackingWriters(db, {
      written: table,
      columns: [from, ...via.map(({ source }) => source)],
      ours: triggersOf(move.sync),
      needed: toTable,
      privileges: missing === 'create' ? [...privileges, 'INSERT'] : privileges,
    })),
    ...(await readLackingWriters(db, {
      written: toTable,
      columns: [to, ...via.map(({ target }) => target)],
      ours: triggersOf(move.targetSync),
      needed: table,
      privileges,
    })),
  ];
  if (lacking.length > 0)
    throw new PhaseError('PH2020', { table: quoteQualified(table), column: from, missing: lacking, isWriter: true });
}

const triggersOf = (sync: RenameSync | undefined): string[] =>
  sync === undefined ? [] : [...syncTriggers(sync, 1), ...syncTriggers(sync, 2)];

/** Rows whose value has nowhere to go, and groups of which nobody can tell the value. @throws PH2033, PH2034 */
export async function ensureRows(
  db: LedgerDb,
  move: Pick<Move, 'name' | 'table' | 'from' | 'toTable' | 'to' | 'via' | 'byteEqual' | 'missing' | 'isUnique'>,
): Promise<void> {
  const { name, table, from, toTable } = move;
  const said = { change: name, table: quoteQualified(table), column: from, target: quoteQualified(toTable) };
  if (!move.isUnique) {
    const mixed = await looking(db, () => findMixedGroups(db, move));
    if (mixed.rows > 0) throw new PhaseError('PH2034', { ...said, ...mixed });
  }
  if (move.missing !== 'refuse') return;
  const unplaced = await looking(db, () => findUnplaced(db, move));
  if (unplaced.rows > 0) throw new PhaseError('PH2033', { ...said, ...unplaced, missing: move.missing });
}

/**
 * The gate of the second or third phase, outside any transaction and without long locks. Its result goes into the ledger.
 * @throws PH2005 rows that differ, PH2006 stragglers, PH2007 what is missing, PH2008 what would be lost, PH2033 values without a row.
 */
export async function checkMoveGate(
  db: LedgerDb,
  move: Move,
  step: GatedStep,
  options: { readonly stragglerWindowMs: number },
): Promise<void> {
  await recorded(db, { rename: move.name, phase: step === 'switch' ? 2 : 3 }, async () => {
    await inRolledBackTransaction(db, () => ensureComplete(db, move, step, options));
    await settleNotes(db, move);
    return { mismatches: await ensureInStep(db, move, step) };
  });
}

/** Rows that belong together and hold different values, once what was noted is settled; with those that stay noted, since somebody holds them. */
export async function countMoveNow(db: LedgerDb, move: Move): Promise<number> {
  await settleNotes(db, move);
  return looking(db, () => countMoveMismatches(db, move, false));
}

async function ensureInStep(db: LedgerDb, move: Move, step: GatedStep): Promise<number> {
  const mismatches = await looking(db, async () => countMoveMismatches(db, move, await hasNotes(db, move)));
  await recordMismatches(db, move.name, mismatches);
  if (mismatches > 0) throw new PhaseError('PH2005', { rename: move.name, mismatches, ...mending(move, step) });
  await ensurePlaced(db, move);
  return mismatches;
}

/** @throws PH2033 */
async function ensurePlaced(db: LedgerDb, move: Move): Promise<void> {
  const { name, table, from, toTable, missing } = move;
  const unplaced = await looking(db, () => findUnplaced(db, move));
  if (unplaced.rows === 0) return;
  const said = { change: name, table: quoteQualified(table), column: from, target: quoteQualified(toTable) };
  throw new PhaseError('PH2033', { ...said, ...unplaced, missing });
}

function mending(move: Move, step: GatedStep): { where: string; mend: string } {
  const { table, from, toTable, to } = move;
  const isFirst = step === 'switch';
  const { value, where } = isFirst ? fillingOf(move) : returningOf(move);
  const on = quoteQualified(isFirst ? toTable : table);
  return {
    where: `SELECT * FROM ${on} WHERE ${where}`,
    mend: `UPDATE ${on} SET ${quoteIdent(isFirst ? to : from)} = ${value} WHERE ${where}`,
  };
}

/** What could change between the gate and the step: checked again in the step's transaction, once it has its locks; what is noted still is settled by then. */
export async function recheckMoveGate(
  db: LedgerDb,
  move: Move,
  step: GatedStep,
  options: { readonly stragglerWindowMs: number },
): Promise<void> {
  await ensureComplete(db, move, step, options);
  await underQualifiedNames(db, () => settleLocked(db, move));
}

function ensureComplete(
  db: LedgerDb,
  move: Move,
  step: GatedStep,
  { stragglerWindowMs }: { readonly stragglerWindowMs: number },
): Promise<void> {
  const phase = step === 'switch' ? 1 : 2;
  return underQualifiedNames(db, async () => {
    const { name, table, from, toTable, to, type, sync, targetSync } = move;
    const source = await tableWith(db, name, table, from, type);
    const target = await tableWith(db, name, toTable, to, type);
    const missing = [
      ...(await missingOn(db, source, sync, phase)),
      ...(await missingOn(db, target, targetSync, phase)),
    ];
    missing.push(...(await missingUniqueness(db, move, { source, target })));
    if (missing.length > 0) throw new PhaseError('PH2007', { rename: name, missing });
    if (step === 'switch') return;
    await ensureNoStragglers(db, move, stragglerWindowMs);
    await ensureNothingHangs(db, goingOf(move), source);
  });
}

/** The sync is written for one row of the target, and for one or several of the source: what made them so when it was scaffolded may be gone. */
async function missingUniqueness(
  db: Queryable,
  { table, toTable, via, isUnique }: Move,
  { source, target }: { readonly source: number; readonly target: number },
): Promise<string[]> {
  const sides = [
    { oid: target, on: quoteQualified(toTable), columns: via.map((one) => one.target) },
    ...(isUnique ? [{ oid: source, on: quoteQualified(table), columns: via.map((one) => one.source) }] : []),
  ];
  const missing: string[] = [];
  for (const { oid, on, columns } of sides)
    if (!(await isUniqueOver(db, oid, columns)))
      missing.push(`unique index of ${on} over ${columns.map(quoteIdent).join(', ')}`);
  return missing;
}

const missingOn = (db: Queryable, table: number, sync: RenameSync, phase: 1 | 2): Promise<string[]> =>
  missingTriggers(db, table, syncTriggers(sync, phase));

async function tableWith(
  db: Queryable,
  name: string,
  table: QualifiedName,
  column: string,
  type: string,
): Promise<number> {
  const found = await columnsOfTable(db, table);
  const on = quoteQualified(table);
  if (found === null) throw new PhaseError('PH2007', { rename: name, missing: [`table ${on}`] });
  if (!found.columns.some((one) => one.name === column && one.type === type))
    throw new PhaseError('PH2007', {
      rename: name,
      missing: [`column ${on}.${quoteIdent(column)} of the type ${type}`],
    });
  return found.oid;
}

/** What the gate of the third phase would name now, but for what cannot be acknowledged. In a transaction. */
export function moveObjectsNamed(db: LedgerDb, move: Move): Promise<readonly string[]> {
  const { name, table, from, type } = move;
  return underQualifiedNames(db, async () => namedOf(db, goingOf(move), await tableWith(db, name, table, from, type)));
}

const goingOf = ({ name, kind, table, dropped, sync, targetSync, from }: Move) => ({
  ...{ name, kind, table, dropped, syncs: [sync, targetSync], columns: [from] },
});

/**
 * Undoing the second phase makes the old column NOT NULL again, undoing the first one drops the new one.
 * @throws PH2011 for rows with which that would fail, or that would be lost.
 */
export async function ensureMoveWayBack(db: LedgerDb, move: Move, id: string, step: StepName): Promise<void> {
  const { table, from, to, toTable } = move;
  await settleNotes(db, move);
  if (step === 'expand') {
    const { rows, examples } = await looking(db, () => findOnlyThere(db, move));
    if (rows === 0) return;
    const reason = `${rows === 1 ? 'One row' : `${rows} rows`} of ${quoteQualified(toTable)} ${rows === 1 ? 'holds' : 'hold'} in ${to} what no row of ${quoteQualified(table)} does (${examples.join('; ')}): it would be gone.`;
    throw new PhaseError('PH2011', {
      id,
      reason,
      instead: `Go on with ${to}; or empty it in these rows, and run the same command again.`,
    });
  }
  if (step !== 'switch' || !move.notNull) return;
  const [{ rows = '0' } = {}] = await all<{ rows: string }>(
    db,
    `SELECT pg_catalog.count(*)::text AS rows FROM ${quoteQualified(table)} WHERE ${quoteIdent(from)} IS NULL`,
  );
  if (rows === '0') return;
  const reason = `${rows === '1' ? 'One row' : `${rows} rows`} of ${quoteQualified(table)} ${rows === '1' ? 'holds' : 'hold'} no ${from}, which was NOT NULL before phase 2.`;
  throw new PhaseError('PH2011', { id, reason, instead: 'Give these rows a value, and run the same command again.' });
}
