import { locate } from '../catalog/locate.ts';
import { readRunningOut } from '../catalog/running-out.ts';
import { type Change, changesOf, columnsOf, isMapping, isMove, isRename, kindOf } from '../domain/change.ts';
import { mapInTurn } from '../domain/in-turn.ts';
import type { Mapping } from '../domain/mapping.ts';
import type { Move } from '../domain/move.ts';
import { compareReleases, manifestRelease, type Release } from '../domain/release.ts';
import { wholeOf } from '../domain/rename.ts';
import type { ChangeStatus, RenameStatus, Status } from '../domain/status.ts';
import { countMappingMismatches } from '../gates/mapping.ts';
import { countMismatches } from '../gates/mismatches.ts';
import { countMoveNow } from '../gates/move.ts';
import { ledgerFormat, READABLE_FORMAT } from '../ledger/format.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerRow } from '../ledger/migrations.ts';
import { lastMismatches, recordMismatches } from '../ledger/mismatches.ts';
import { readPairs } from '../ledger/pairs.ts';
import { readStragglers } from '../ledger/stragglers.ts';
import { orderMigrations } from '../planner/order.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { type History, readHistory } from '../project/history.ts';
import { readOwnLedger } from './own-ledger.ts';
import { alteredByHand } from './pairs/look.ts';
import { planFor, type Target } from './prepare.ts';

/**
 * Reads how far a database is. Writes nothing, except for a new count of mismatches when asked for one.
 * @param release whose manifests count as due; null: of the release migrated last.
 */
export async function readStatus(
  db: LedgerDb,
  project: Project,
  release: Release | null,
  count: boolean,
): Promise<Status> {
  const history = await readHistory(project.root);
  const ledger = await readOwnLedger(db, project, history, { asks: true });
  const plan = planFor(dueTarget(history, release, ledger), ledger, { maintenance: false, running: null });
  const changes = await mapInTurn(changesOf(history).values(), (rename) => changeStatus(db, rename, ledger, count));
  const releases = new Map(plan.steps.map((step) => [step.id, step.release]));
  return {
    release: ledger.migrated.at(-1) ?? null,
    confirmed: ledger.confirmed,
    applied: ledger.rows.filter(isApplied).map(({ id, kind, release: of, sha256, appliedAt, durationMs }) => {
      // Knex knows no releases; the manifests do.
      const own = sha256 === null ? (releases.get(id) ?? of) : of;
      return { id, kind, release: own, appliedAt, durationMs };
    }),
    started: ledger.rows.filter(({ state }) => state === 'started').map(({ id }) => id),
    pending: plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id),
    held: plan.held,
    renames: changes.filter(({ kind }) => kind === 'rename').map(({ kind: _k, types: _t, ...rename }) => rename),
    changes,
    runningOut: await readRunningOut(db),
  };
}

function isApplied(row: LedgerRow): row is LedgerRow & { appliedAt: string } {
  return row.state === 'applied' && row.appliedAt !== null;
}

/** What is due: the manifests up to the later of the release of the files and the one migrated last. */
function dueTarget(history: History, release: Release | null, ledger: Ledger): Target {
  const releases = [...ledger.migrated, ...(release === null ? [] : [release])].sort(compareReleases);
  const due = releases.at(-1) ?? '0.0.0';
  const known = history.manifests.map((manifest) => manifest.release);
  const manifests = history.manifests.filter(
    (manifest) => compareReleases(manifest.release, manifestRelease(due, known)) <= 0,
  );
  return { release: due, renames: changesOf(history), manifests, migrations: orderMigrations(manifests), known };
}

async function changeStatus(db: LedgerDb, rename: Change, ledger: Ledger, count: boolean): Promise<ChangeStatus> {
  const phase = phaseOf(rename, ledger);
  if (count && (phase === 1 || phase === 2)) await countNow(db, rename, phase);
  const counted = (await ledgerFormat(db)) === 0 ? undefined : await lastMismatches(db, rename.name);
  const stragglers = await readStragglers(db, rename);
  const { old, fresh } = columnsOf(rename);
  return {
    name: rename.name,
    table: `${rename.table.schema}.${rename.table.name}`,
    from: old.join(', '),
    to: `${isMove(rename) ? `${rename.toTable.schema}.${rename.toTable.name}.` : ''}${fresh.join(', ')}`,
    phase,
    mismatches: counted?.mismatches ?? null,
    mismatchesCountedAt: counted?.countedAt ?? null,
    stragglers: stragglers.count,
    lastStragglerAt: stragglers.lastAt,
    altered: await alteredSince(db, rename),
    kind: kindOf(rename),
    types: !isRename(rename) || rename.retype === null ? null : [rename.type, rename.retype.type],
  };
}

/** Nothing where the ledger is still of a format that keeps none. */
async function alteredSince(db: LedgerDb, rename: Change): Promise<string[]> {
  if ((await ledgerFormat(db)) < READABLE_FORMAT) return [];
  const record = (await readPairs(db)).find((pair) => pair.rename === rename.name);
  return record === undefined ? [] : alteredByHand(db, rename, record);
}

function phaseOf(rename: Change, { rows }: Ledger): RenameStatus['phase'] {
  const phases = rows
    .filter((row) => row.rename === wholeOf(rename) && row.state === 'applied' && row.step !== 'refresh')
    .map(({ phase }) => phase ?? 0);
  return Math.max(0, ...phases) as RenameStatus['phase'];
}

async function countNow(db: LedgerDb, rename: Change, phase: 1 | 2): Promise<void> {
  if (isMove(rename)) return countMovedNow(db, rename);
  if (isMapping(rename)) return countMappingNow(db, rename, phase);
  const { from, to } = await locate(db, rename.table, rename.from, rename.to);
  if (from !== null && to !== null) await recordMismatches(db, rename.name, await countMismatches(db, rename, phase));
}

async function countMappingNow(db: LedgerDb, mapping: Mapping, phase: 1 | 2): Promise<void> {
  const [first, last] = [mapping.old[0], mapping.fresh.at(-1)];
  const { from, to } = await locate(db, mapping.table, first?.name ?? '', last?.name ?? '');
  if (from !== null && to !== null)
    await recordMismatches(db, mapping.name, await countMappingMismatches(db, mapping, phase));
}

async function countMovedNow(db: LedgerDb, move: Move): Promise<void> {
  const { from } = await locate(db, move.table, move.from, '');
  const { to } = await locate(db, move.toTable, '', move.to);
  if (from !== null && to !== null) await recordMismatches(db, move.name, await countMoveNow(db, move));
}
