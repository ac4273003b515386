import { join } from 'node:path';
import { changesOf, columnsOf, isMove, isRename } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { releaseOfPhase } from '../domain/manifest.ts';
import { asPairs } from '../domain/mapping.ts';
import { asTargetPair } from '../domain/move.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { partsOf, type Rename } from '../domain/rename.ts';
import type { Ended, RollbackResult } from '../domain/results.ts';
import { ensureNothingOfItsOwn } from '../gates/undoing.ts';
import { neverTried } from '../ledger/attempts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerRow } from '../ledger/migrations.ts';
import { orderMigrations } from '../planner/order.ts';
import { fileChecksum } from '../project/checksum.ts';
import { type History, readHistory } from '../project/history.ts';
import { fileOf, loadMigration } from '../project/migrations.ts';
import { ensureReversible, type RunnableMigration } from './apply.ts';
import { readOwnLedger } from './own-ledger.ts';
import { settleBeforeUndoing } from './pairs/watch.ts';
import { catchUpBeforeUndoing } from './partitions.ts';
import { openLedger, type RunnerOptions, type Session, withSession } from './session.ts';
import { runStep } from './step.ts';

export interface RollbackOptions extends RunnerOptions {
  /** Undo the last so many, or everything after this one. */
  readonly steps: number;
  readonly to: string | null;
}

/**
 * Undoes the migrations that ran last, the last one first. All of them are looked at before the first is undone.
 * @throws PH1016, PH2011, PH2012, PH2024, PH3003.
 */
export async function rollback(options: RollbackOptions): Promise<Ended<RollbackResult>> {
  return withSession(
    options,
    () => readHistory(options.project.root),
    async (session) => {
      const ledger = await readOwnLedger(session.lock.client, session.options.project, session.history);
      const rows = selectRows(ledger, options);
      await ensureNotByKnex(session, rows);
      const migrations: RunnableMigration[] = [];
      for (const row of rows) migrations.push(await runnableOf(session, ledger, row, rows));
      if (migrations.length > 0) await openLedger(session);
      if (migrations.length > 0) await settleBeforeUndoing(session);
      for (const rename of renamesOf(session.history, migrations)) await catchUpBeforeUndoing(session, rename);
      await ensureColumnsMayGo(session, migrations);
      const reverted: string[] = [];
      for (const migration of migrations) {
        try {
          await runStep(session, migration, 'down');
        } catch (error) {
          if (!(error instanceof PhaseError)) throw error;
          const failed = { id: migration.entry.id, code: error.code, message: error.message };
          return { result: { reverted, failed }, error };
        }
        reverted.push(migration.entry.id);
      }
      return { result: { reverted, failed: null }, error: null };
    },
  );
}

/** What knex has run long ago is no step of a roll-out that could be taken back. @throws PH2024 */
async function ensureNotByKnex({ lock: { client } }: Session, rows: readonly LedgerRow[]): Promise<void> {
  // Where nothing has ever run there is no ledger to ask.
  if (rows.length === 0) return;
  const unread = rows.filter(({ sha256 }) => sha256 === null).map(({ id }) => id);
  const ids =
    unread.length > 0
      ? unread
      : await neverTried(
          client,
          rows.map(({ id }) => id),
        );
  if (ids.length > 0) throw new PhaseError('PH2024', { ids });
}

/** What other migrations among them have made, these take back themselves; it is looked at again before the column goes. */
async function ensureColumnsMayGo(
  { worker, history }: Session,
  migrations: readonly RunnableMigration[],
): Promise<void> {
  for (const { entry } of migrations) {
    const isAlone = migrations.every((other) => other.entry.rename === entry.rename);
    if (!isAlone || entry.step !== 'expand') continue;
    const change = changesOf(history).get(entry.rename ?? '');
    const pairs =
      change === undefined || isRename(change)
        ? partsOf(history.renames.values(), entry.rename)
        : isMove(change)
          ? [asTargetPair(change)]
          : asPairs(change);
    await ensureNothingOfItsOwn(worker, pairs, entry.id, 'before');
  }
}

function renamesOf(history: History, migrations: readonly RunnableMigration[]): Rename[] {
  const names = new Set(migrations.map(({ entry }) => entry.rename ?? ''));
  return [...names].flatMap((name) => partsOf(history.renames.values(), name));
}

function selectRows(ledger: Ledger, { steps, to }: RollbackOptions): LedgerRow[] {
  const lastFirst = [...ledger.rows].reverse();
  if (to === null) return lastFirst.slice(0, steps);
  const index = lastFirst.findIndex(({ id }) => id === to);
  if (index < 0) throw new PhaseError('PH1016', { id: to, known: ledger.rows.map(({ id }) => id) });
  return lastFirst.slice(0, index);
}

async function runnableOf(
  { history, options }: Session,
  ledger: Ledger,
  row: LedgerRow,
  undone: readonly LedgerRow[],
): Promise<RunnableMigration> {
  const entry = orderMigrations(history.manifests).find(({ id }) => id === row.id);
  const file = entry && fileOf(history.files, entry);
  if (!entry || !file) throw new PhaseError('PH1016', { id: row.id, known: history.files.map(({ id }) => id) });
  if (fileChecksum(join(history.root, file.path)) !== row.sha256) {
    throw new PhaseError('PH3003', { id: row.id, file: file.path, appliedAt: row.appliedAt ?? row.startedAt });
  }
  ensureNobodyNeedsIt(history, ledger, entry, undone);
  const migration = { entry, loaded: await loadMigration(options.project, file) };
  ensureReversible(migration);
  return migration;
}

/**
 * Undoing the first phase of a rename drops the new column: nothing that uses it may be alive. A release whose own
 * migrations are undone with it is not.
 */
function ensureNobodyNeedsIt(
  history: History,
  { rows, migrated, confirmed }: Ledger,
  entry: OrderedMigration,
  undone: readonly LedgerRow[],
): void {
  const rename = changesOf(history).get(entry.rename ?? '');
  if (!rename || entry.phase !== 1) return;
  const second = releaseOfPhase(history.manifests, rename.name, 2);
  const users = [...new Set<Release>([...(confirmed === null ? [] : [confirmed]), ...migrated.slice(-1)])];
  const isGone = (release: Release) => {
    const own = rows.filter((row) => row.release === release);
    return own.length > 0 && own.every((row) => undone.includes(row));
  };
  const user = users.find((release) => second !== null && compareReleases(release, second) >= 0 && !isGone(release));
  if (user === undefined) return;
  const reason = `Release ${user} may be running, and it uses the column ${columnsOf(rename).fresh.join(', ')}.`;
  throw new PhaseError('PH2011', { id: entry.id, reason });
}
