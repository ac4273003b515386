import { columnsOfTable } from '../catalog/columns-of.ts';
import { countOutOfStep, countUnlikeOld, findUnmapped } from '../catalog/mapped-rows.ts';
import { countRows } from '../data/count.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import {
  asPairs,
  hasWayBack,
  isEmpty,
  isOutOfStep,
  isUnmapped,
  type MappedColumn,
  type Mapping,
  mapped,
  mayFail,
  namesOf,
  needsFilling,
} from '../domain/mapping.ts';
import { type Conversion, type StepName, syncTriggers } from '../domain/rename.ts';
import { recordMismatches } from '../ledger/mismatches.ts';
import { looking } from '../postgres/looking.ts';
import type { LedgerDb, Queryable } from '../postgres/queryable.ts';
import { underQualifiedNames } from '../postgres/session.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { missingTriggers } from './complete.ts';
import { ensureNoStragglers, type GatedStep } from './gate.ts';
import { ensureNothingHangs, namedOf } from './hanging.ts';
import { checkPreflight } from './preflight.ts';
import { recorded } from './recorded.ts';

/**
 * Before a step of a split or a merge: what one more column would break, what the rows of the table would make it meet, and rows that have come since it was scaffolded.
 * @throws what `checkPreflight` throws, and PH2032.
 */
export async function checkMappingPreflight(db: LedgerDb, mapping: Mapping, step: StepName): Promise<void> {
  for (const pair of asPairs(mapping)) await checkPreflight(db, pair, step);
  const { name, table, old, fresh } = mapping;
  if (step !== 'expand' || !mayFail(fresh)) return;
  const { rows, examples } = await looking(db, () => findUnmapped(db, table, { from: old, to: fresh }));
  if (rows === 0) return;
  const columns = { column: namesOf(old), type: namesOf(fresh) };
  throw new PhaseError('PH2032', { change: name, table: quoteQualified(table), ...columns, rows, examples });
}

/**
 * The gate of the second or third phase, outside any transaction and without long locks. Its result goes into the ledger.
 * @throws PH2005 rows that are not in step, PH2006 stragglers, PH2007 what is missing, PH2008 what would be lost.
 */
export async function checkMappingGate(
  db: LedgerDb,
  mapping: Mapping,
  step: GatedStep,
  options: { readonly stragglerWindowMs: number },
): Promise<void> {
  await recorded(db, { rename: mapping.name, phase: step === 'switch' ? 2 : 3 }, async () => {
    await inRolledBackTransaction(db, () => recheckMappingGate(db, mapping, step, options));
    return { mismatches: await ensureInStep(db, mapping, step) };
  });
}

/** Rows that are not in step, in a phase. */
export function countMappingMismatches(db: LedgerDb, mapping: Mapping, phase: 1 | 2): Promise<number> {
  return looking(db, () => countOutOfStep(db, mapping, phase));
}

async function ensureInStep(db: LedgerDb, mapping: Mapping, step: GatedStep): Promise<number> {
  const phase = step === 'switch' ? 1 : 2;
  const mismatches = await countMappingMismatches(db, mapping, phase);
  await recordMismatches(db, mapping.name, mismatches);
  if (mismatches > 0) throw new PhaseError('PH2005', { rename: mapping.name, mismatches, ...mending(mapping, phase) });
  return mismatches;
}

/**
 * Statements that show rows which are not in step, and that put them right by the side that has authority. A row that was not filled yet is filled by the sync itself,
 * whenever it is written.
 */
function mending(mapping: Mapping, phase: 1 | 2): { where: string; mend: string } {
  const { table, old, fresh } = mapping;
  const on = quoteQualified(table);
  const where = phase === 1 ? needsFilling(mapping) : isOutOfStep(mapping);
  const names = (columns: readonly MappedColumn[]): string[] => columns.map(({ name }) => quoteIdent(name));
  const made = (value: Conversion | null, others: readonly MappedColumn[], own: string): string =>
    value === null ? own : mapped(value, names(others));
  const set =
    phase === 1
      ? fresh.map(({ name, value }) => `${quoteIdent(name)} = ${made(value, old, quoteIdent(name))}`)
      : old.map(({ name, value }) => {
          const own = quoteIdent(name);
          return `${own} = CASE WHEN ${isEmpty(fresh)} THEN ${own} ELSE ${made(value, fresh, own)} END`;
        });
  return { where: `SELECT * FROM ${on} WHERE ${where}`, mend: `UPDATE ${on} SET ${set.join(', ')} WHERE ${where}` };
}

/** What could change between the gate and the step: checked again in the step's transaction, once it has its lock. */
export function recheckMappingGate(
  db: LedgerDb,
  mapping: Mapping,
  step: GatedStep,
  { stragglerWindowMs }: { readonly stragglerWindowMs: number },
): Promise<void> {
  return underQualifiedNames(db, async () => {
    const table = await ensureColumns(db, mapping);
    const triggers = await missingTriggers(db, table, syncTriggers(mapping.sync, step === 'switch' ? 1 : 2));
    if (triggers.length > 0) throw new PhaseError('PH2007', { rename: mapping.name, missing: triggers });
    if (step === 'switch') return;
    await ensureNoStragglers(db, mapping, stragglerWindowMs);
    await ensureNothingHangs(db, goingOf(mapping), table);
  });
}

async function ensureColumns(db: Queryable, { name, table, old, fresh }: Mapping): Promise<number> {
  const found = await columnsOfTable(db, table);
  if (found === null) throw new PhaseError('PH2007', { rename: name, missing: [`table ${quoteQualified(table)}`] });
  const isThere = ({ name: column, type }: MappedColumn): boolean =>
    found.columns.some((one) => one.name === column && one.type === type);
  const missing = [...old, ...fresh].filter((column) => !isThere(column));
  if (missing.length > 0)
    throw new PhaseError('PH2007', {
      rename: name,
      missing: missing.map(({ name: column, type }) => `column ${quoteIdent(column)} of the type ${type}`),
    });
  return found.oid;
}

const goingOf = ({ name, kind, table, dropped, sync, old }: Mapping) => ({
  ...{ name, kind, table, dropped, syncs: [sync], columns: old.map((column) => column.name) },
});

/** What the gate of the third phase would name now, but for what cannot be acknowledged. In a transaction. */
export function mappingObjectsNamed(db: LedgerDb, mapping: Mapping): Promise<readonly string[]> {
  return underQualifiedNames(db, async () => namedOf(db, goingOf(mapping), await ensureColumns(db, mapping)));
}

/**
 * Undoing a later phase needs values for the old columns.
 * @throws PH2011 which says why there are none.
 */
export async function ensureMappingWayBack(db: LedgerDb, mapping: Mapping, id: string, step: StepName): Promise<void> {
  const { table, old, fresh } = mapping;
  if (step === 'expand') return ensureNotNull(db, mapping, id);
  if (step !== 'switch' && step !== 'contract') return;
  if (!hasWayBack(mapping)) {
    const isGone = step === 'contract';
    const rows = isGone ? 0 : await looking(db, () => countUnlikeOld(db, mapping));
    if (!isGone && rows === 0) return;
    const reason = isGone
      ? `Nothing leads back to ${namesOf(old)}, whose values are gone.`
      : `${rows === 1 ? 'One row holds' : `${rows} rows hold`} in ${namesOf(fresh)} what ${namesOf(old)} does not say, and nothing leads back.`;
    throw new PhaseError('PH2011', { id, reason, instead: `Go on with ${namesOf(fresh)}.` });
  }
  if (!mayFail(old) && !old.some(({ notNull }) => notNull)) return;
  const where = step === 'switch' ? isUnmapped(old, fresh, ({ name }) => `t.${quoteIdent(name)}`) : 'true';
  const { rows, examples } = await looking(db, () => findUnmapped(db, table, { from: fresh, to: old, where }));
  if (rows === 0) return;
  throw new PhaseError('PH2011', {
    id,
    reason: `${rows === 1 ? 'One row holds' : `${rows} rows hold`} in ${namesOf(fresh)} what ${namesOf(old)} cannot (${examples.join('; ')}).`,
    instead: `Go on with ${namesOf(fresh)}; or put these rows right, and run the same command again.`,
  });
}

/** Without a way back the old columns may be NULL from the first phase on. */
async function ensureNotNull(db: LedgerDb, mapping: Mapping, id: string): Promise<void> {
  if (hasWayBack(mapping)) return;
  for (const { name, notNull } of mapping.old) {
    const rows = notNull ? await countRows([db], quoteQualified(mapping.table), `${quoteIdent(name)} IS NULL`) : 0;
    if (rows === 0) continue;
    const reason = `${rows === 1 ? 'One row holds' : `${rows} rows hold`} nothing in ${name}, which was NOT NULL before.`;
    throw new PhaseError('PH2011', { id, reason, instead: 'Give these rows a value, and run the same command again.' });
  }
}
