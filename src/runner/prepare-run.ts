import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Plan } from '../domain/plan.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { lastError } from '../ledger/attempts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { ensureFilesIntact, type History } from '../project/history.ts';
import { fileOf, loadMigration } from '../project/migrations.ts';
import type { ModuleSource } from '../project/modules.ts';
import type { RunnableMigration } from './apply.ts';
import { ensureFormerAgrees } from './former-agrees.ts';
import {
  ensureLedgerMatches,
  ensureNotBlocked,
  ensureNotBroken,
  type PlanOptions,
  planFor,
  type Target,
  targetOf,
} from './prepare.ts';
import { nextRelease } from './slow-roll.ts';

/** What a run, or a dry run, is asked for. */
export interface RunRequest extends PlanOptions {
  readonly release: Release;
  /** Only as far as the next release on the way there. */
  readonly slowRoll: boolean;
  /** What was taken over may run in a database that has tables already. */
  readonly runBaseline: boolean;
}

/** A run that nothing speaks against. */
export interface PreparedRun {
  readonly plan: Plan;
  /** Ids of what is to run, in order. */
  readonly pending: readonly string[];
  readonly runnable: ReadonlyMap<string, RunnableMigration>;
  /** The release that counts as confirmed once all of it has run: after maintenance nothing but it can start. */
  readonly confirms: Release | null;
}

/**
 * Everything that can be refused before anything runs.
 * @throws PH1029, PH2003, PH2004, PH2009, PH2023, PH3011, PH3026, PH3027, PH4004, and what the files and the ledger refuse.
 */
export async function prepareRun(
  db: LedgerDb,
  { project, history }: { readonly project: Project; readonly history: History },
  ledger: Ledger,
  { release, slowRoll, maintenance, running, runBaseline }: RunRequest,
): Promise<PreparedRun> {
  const options = { maintenance, running };
  ensureLedgerMatches(ledger, history);
  const target = targetOf(history, slowRoll ? nextRelease(history, ledger, release, options) : release);
  ensureNotBroken(target, ledger);
  if (running !== null) ensureCanRun(target, ledger, running);
  const plan = planFor(target, ledger, options);
  ensureNotBlocked(plan, target);
  const pending = plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id);
  await ensureFormerAgrees(db, { project, history, ledger, pending, runBaseline });
  const runnable = await loadPending(project, history, target, new Set(pending));
  await ensureResumable(db, ledger, runnable);
  return { plan, pending, runnable, confirms: maintenance ? plan.to : running };
}

/**
 * What is said to be running can be: it is not newer than everything that is known, and nothing that ran breaks it.
 * @throws PH1029, PH2009
 */
function ensureCanRun(target: Target, ledger: Ledger, running: Release): void {
  const newest = [...target.known, ...ledger.migrated, target.release].sort(compareReleases).at(-1) ?? target.release;
  if (compareReleases(running, newest) > 0) throw new PhaseError('PH1029', { release: running, newest });
  ensureNotBroken({ ...target, release: running }, ledger);
}

/** Files as the manifests list them, and loaded as far as they are going to run: before anything runs. */
async function loadPending(
  project: ModuleSource,
  history: History,
  target: Target,
  ids: ReadonlySet<string>,
): Promise<Map<string, RunnableMigration>> {
  await ensureFilesIntact(history, target.manifests);
  const loaded = new Map<string, RunnableMigration>();
  for (const entry of target.migrations.filter(({ id }) => ids.has(id))) {
    const file = fileOf(history.files, entry);
    if (file) loaded.set(entry.id, { entry, loaded: await loadMigration(project, file) });
  }
  return loaded;
}

/**
 * A migration that was started and did not finish can only run again when it is safe to repeat.
 * @throws PH3011
 */
async function ensureResumable(
  db: LedgerDb,
  ledger: Ledger,
  runnable: ReadonlyMap<string, RunnableMigration>,
): Promise<void> {
  for (const row of ledger.rows.filter(({ state }) => state === 'started')) {
    const migration = runnable.get(row.id);
    if (migration && !migration.loaded.safeToRepeat) {
      throw new PhaseError('PH3011', { id: row.id, startedAt: row.startedAt, error: await lastError(db, row.id) });
    }
  }
}
