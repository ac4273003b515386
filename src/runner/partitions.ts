import type { Knex } from 'knex';
import { leavesOf } from '../data/backfill/leaves.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { differs, type Rename, type StepName } from '../domain/rename.ts';
import { orderMigrations } from '../planner/order.ts';
import { reasonOf } from '../postgres/errors.ts';
import { all } from '../postgres/queryable.ts';
import { fileOf, loadMigration } from '../project/migrations.ts';
import { workFor } from './migration-context.ts';
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
  session.options.reporter.log(backfill.id, 'Partitions have come since: their rows are brought into step.');
  await fill(session, rename, backfill, step === 'contract' ? 2 : 1);
  const constrain = earlier.get('constrain');
  if (step !== 'constrain' && constrain !== undefined) await again(session, constrain);
}

function stepsOf({ history }: Session, { name }: Rename): Map<StepName, OrderedMigration> {
  const own = orderMigrations(history.manifests).filter((entry) => entry.rename === name);
  return new Map(own.flatMap((entry) => (entry.step === undefined ? [] : [[entry.step, entry] as const])));
}

/** Leaves that the backfill has never walked. */
async function newLeaves({ worker }: Session, rename: Rename, backfill: string): Promise<string[]> {
  const leaves = await leavesOf(worker, quoteQualified(rename.table));
  const known = await all<{ oid: string }>(
    worker,
    'SELECT table_oid::int8::text AS oid FROM phase.backfills WHERE owner = $1',
    [backfill],
  );
  const walked = new Set(known.map(({ oid }) => Number(oid)));
  return walked.size === 0 ? [] : leaves.filter(({ oid }) => !walked.has(oid)).map(({ name }) => name);
}

/** By the side that has authority; a row that came in unsynced has no value in the new column. */
async function fill(session: Session, rename: Rename, backfill: OrderedMigration, phase: 1 | 2): Promise<void> {
  const [from, to] = [quoteIdent(rename.from), quoteIdent(rename.to)];
  const value = phase === 1 ? from : `coalesce(${to}, ${from})`;
  const set = { [rename.from]: value, [rename.to]: value };
  for (const table of await newLeaves(session, rename, backfill.id)) {
    const work = workFor(session, backfill, 'up', { knex: session.knex, ticket: null });
    try {
      await work.context.backfill({ table, set, where: differs(from, to, rename.byteEqual), exact: true });
      await work.succeeded();
    } catch (error) {
      await work.failed(error instanceof PhaseError ? error : { code: 'PH5000', message: reasonOf(error) });
      throw error;
    }
  }
}

/** Phase 1's last step is safe to run again: it builds what is missing and nothing else. */
async function again({ history, knex, options }: Session, entry: OrderedMigration): Promise<void> {
  const file = fileOf(history.files, entry);
  if (!file) return;
  const loaded = await loadMigration(history.root, file);
  const context = { log: (message: string) => options.reporter.log(entry.id, message) };
  if (loaded.form !== 'sql') await (loaded.up as (knex: Knex, context: object) => Promise<void>)(knex, context);
}
