import type { Knex } from 'knex';
import { locate } from '../catalog/locate.ts';
import { leavesOf } from '../data/backfill/leaves.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { follows, hasWayBack, isUnmapped, type MappedColumn, type Mapping, mapped } from '../domain/mapping.ts';
import type { PairRecord } from '../domain/pair.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import {
  converted,
  differs,
  isUnfilled,
  outOfStep,
  type Rename,
  type Retype,
  type StepName,
  wholeOf,
} from '../domain/rename.ts';
import { walkedTables } from '../ledger/checkpoint.ts';
import { readPairs } from '../ledger/pairs.ts';
import { orderMigrations } from '../planner/order.ts';
import { reasonOf } from '../postgres/errors.ts';
import { fileOf, loadMigration } from '../project/migrations.ts';
import { workFor } from './migration-context.ts';
import { dropLonelyTwins } from './pairs/dropped.ts';
import type { Session } from './session.ts';

/**
 * Partitions that were created or attached since the backfill have the column and its sync, but rows that were written
 * before they were attached are not in step, and an index that only leaves have is missing. Before a later step of the
 * rename both are made good, for these partitions alone: rows of others that differ are for the gate to refuse.
 */
export async function catchUpPartitions(session: Session, rename: Rename, step: StepName): Promise<void> {
  if (step !== 'constrain' && step !== 'switch' && step !== 'contract') return;
  const earlier = stepsOf(session, rename);
  const backfill = earlier.get('backfill');
  if (backfill === undefined || (await newLeaves(session, rename, backfill.id)).length === 0) return;
  session.options.onEvent({
    type: 'log',
    id: backfill.id,
    message: 'Partitions have come since: their rows are brought into step.',
  });
  await fill(session, rename, backfill);
  const constrain = earlier.get('constrain');
  if (step === 'constrain' || constrain === undefined) return;
  await again(session, constrain);
  // It has built the twins of what somebody has dropped meanwhile, too.
  await session.knex.transaction((trx) => dropLonelyTwins(trx, session.history.renames, null));
}

/** The same for a split or a merge: whichever side a row lacks is made of the other one. */
export async function catchUpMapping(session: Session, mapping: Mapping, step: StepName): Promise<void> {
  if (step !== 'switch' && step !== 'contract') return;
  const { name, table, old, fresh } = mapping;
  const backfill = stepsOf(session, { name, partOf: null }).get('backfill');
  if (backfill === undefined) return;
  const made = (columns: readonly MappedColumn[], others: readonly MappedColumn[]): Filling => {
    const names = others.map((column) => quoteIdent(column.name));
    const set = columns.map((column) => [column.name, column.value === null ? 'NULL' : mapped(column.value, names)]);
    const where = `CASE WHEN ${isUnmapped(columns, others)} THEN NOT (${follows(columns, others)}) ELSE false END`;
    return { set: Object.fromEntries(set), where };
  };
  const fillings = [made(fresh, old), ...(hasWayBack(mapping) && step === 'contract' ? [made(old, fresh)] : [])];
  for (const filling of fillings)
    await fillLeaves(session, await newLeaves(session, { table }, backfill.id), { backfill, filling });
}

/** The same before steps are undone: what only the new column of such a partition holds would go with it. */
export async function catchUpBeforeUndoing(session: Session, rename: Rename): Promise<void> {
  const { table, from, to } = await locate(session.worker, rename.table, rename.from, rename.to);
  const backfill = stepsOf(session, rename).get('backfill');
  // Undoing may be the way on where one of them is gone.
  if (table === null || from === null || to === null || backfill === undefined) return;
  await fill(session, rename, backfill);
}

function stepsOf({ history }: Session, rename: Pick<Rename, 'name' | 'partOf'>): Map<StepName, OrderedMigration> {
  const own = orderMigrations(history.manifests).filter((entry) => entry.rename === wholeOf(rename));
  return new Map(own.flatMap((entry) => (entry.step === undefined ? [] : [[entry.step, entry] as const])));
}

/** Leaves that the backfill has never walked. */
async function newLeaves({ worker }: Session, rename: Pick<Rename, 'table'>, backfill: string): Promise<string[]> {
  const leaves = await leavesOf(worker, quoteQualified(rename.table));
  const walked = await walkedTables(worker, backfill);
  return walked.size === 0 ? [] : leaves.filter(({ oid }) => !walked.has(oid)).map(({ name }) => name);
}

/** As the sync does it on INSERT: the side that was given something stands, and where both were, that of authority. */
async function fill(session: Session, rename: Rename, backfill: OrderedMigration): Promise<void> {
  const record = (await readPairs(session.worker)).find((pair) => pair.rename === rename.name);
  if (record === undefined) return;
  const filling = rename.retype === null ? ofBoth(rename, record) : ofRetype(rename, rename.retype, record.phase);
  if (filling === null) return;
  await fillLeaves(session, await newLeaves(session, rename, backfill.id), { backfill, filling });
}

async function fillLeaves(
  session: Session,
  tables: readonly string[],
  { backfill, filling }: { readonly backfill: OrderedMigration; readonly filling: Filling },
): Promise<void> {
  for (const table of tables) {
    const work = workFor(session, backfill, 'up', { knex: session.knex, ticket: null });
    try {
      await work.context.backfill({ table, ...filling, exact: true });
      await work.succeeded();
    } catch (error) {
      await work.failed(error instanceof PhaseError ? error : { code: 'PH5000', message: reasonOf(error) });
      throw error;
    }
  }
}

type Filling = { readonly set: Readonly<Record<string, string>>; readonly where: string };

function ofBoth(rename: Rename, record: PairRecord): Filling {
  const [from, to] = [quoteIdent(rename.from), quoteIdent(rename.to)];
  const { standing, type } = record.ground;
  const isGiven = (column: string): string =>
    `${column} IS NOT NULL AND ${differs(column, `CAST(${standing ?? 'NULL'} AS ${type})`, rename.byteEqual)}`;
  const [first, second] = record.phase === 1 ? [from, to] : [to, from];
  // Where neither was given anything but NULL, NULL stands against a default.
  const value = `CASE WHEN ${isGiven(first)} THEN ${first} WHEN ${isGiven(second)} THEN ${second} WHEN ${first} IS NULL THEN ${first} ELSE ${second} END`;
  return { set: { [rename.from]: value, [rename.to]: value }, where: differs(from, to, rename.byteEqual) };
}

/**
 * In the first phase the new column is filled, in the second the old one: whichever goes by the name of its own then. Where a value may have no way back that is
 * left to undoing, which asks first.
 */
function ofRetype(change: Rename, retype: Retype, phase: 1 | 2): Filling | null {
  const { from: column, to: aside } = change;
  const [value, target] = [quoteIdent(column), quoteIdent(aside)];
  if (phase === 1)
    return { set: { [aside]: converted(retype.forward, value) }, where: outOfStep(change, value, target) };
  if (retype.back.mayFail) return null;
  return { set: { [aside]: converted(retype.back, value) }, where: isUnfilled(target, value) };
}

/** Phase 1's last step is safe to run again: it builds what is missing and nothing else. */
async function again({ history, knex, options }: Session, entry: OrderedMigration): Promise<void> {
  const file = fileOf(history.files, entry);
  if (!file) return;
  const loaded = await loadMigration(options.project, file);
  const context = { log: (message: string) => options.onEvent({ type: 'log', id: entry.id, message: message }) };
  if (loaded.form !== 'sql') await (loaded.up as (knex: Knex, context: object) => Promise<void>)(knex, context);
}
