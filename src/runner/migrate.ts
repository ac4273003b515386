import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Release } from '../domain/release.ts';
import { reasonOf } from '../postgres/errors.ts';
import { readHistory, unlistedFiles } from '../project/history.ts';
import { applyMigration, type RunnableMigration } from './apply.ts';
import { appliedIds, type Ledger, readLedger, recordConfirmed, recordMigrated } from './ledger.ts';
import {
  ensureCanRun,
  ensureLedgerMatches,
  ensureNotBlocked,
  ensureNotBroken,
  ensureResumable,
  loadPending,
  nextRelease,
  planFor,
  releasesLeft,
  targetOf,
} from './prepare.ts';
import { openLedger, type RunnerOptions, type Session, withSession } from './session.ts';

export interface MigrateOptions extends RunnerOptions {
  readonly release: Release;
  readonly maintenance: boolean;
  readonly slowRoll: boolean;
  readonly running: Release | null;
}

/** What a run did, also when it failed in the middle. */
export interface MigrateResult {
  readonly from: Release | null;
  readonly to: Release;
  readonly applied: readonly string[];
  readonly held: readonly string[];
  readonly failed: { readonly id: string; readonly code: string; readonly message: string } | null;
  readonly durationMs: number;
  /** Releases that still have migrations to run: with --slow-roll. */
  readonly remaining: readonly Release[];
  /** Why it stopped. */
  readonly error: PhaseError | null;
}

/** Runs what a release needs before it is rolled out; steps that would break a release that is alive are held. */
export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const root = options.project.root;
  // Everything that the files alone tell is refused before the database is touched.
  targetOf(await readHistory(root), options.release);
  return withSession(
    options,
    () => readHistory(root),
    async (session) => {
      const ledger = await readLedger(session.lock.client, session.options.project.config.knexMigrations);
      const { release: goal, slowRoll, maintenance, running } = options;
      const release = slowRoll ? nextRelease(session.history, ledger, goal, { maintenance, running }) : goal;
      return runUpTo(session, ledger, { release, goal, maintenance, confirm: running });
    },
  );
}

/** Confirms that only the release migrated last is alive, and runs what was held. @throws PH1021 when none was. */
export async function finish(options: RunnerOptions): Promise<MigrateResult> {
  return withSession(
    options,
    () => readHistory(options.project.root),
    async (session) => {
      const ledger = await readLedger(session.lock.client, session.options.project.config.knexMigrations);
      const release = ledger.migrated.at(-1);
      if (release === undefined) throw new PhaseError('PH1021', {});
      return runUpTo(session, ledger, { release, goal: release, maintenance: false, confirm: release });
    },
  );
}

interface Goal {
  /** Where this run goes. */
  readonly release: Release;
  /** Where several runs go. */
  readonly goal: Release;
  readonly maintenance: boolean;
  /** It is said that only this release is alive, or nothing is said. */
  readonly confirm: Release | null;
}

async function runUpTo(
  session: Session,
  before: Ledger,
  { release, goal, maintenance, confirm }: Goal,
): Promise<MigrateResult> {
  const began = performance.now();
  const target = targetOf(session.history, release);
  ensureLedgerMatches(before, session.history);
  ensureNotBroken(target, before);
  if (confirm !== null) ensureCanRun(target, before, confirm);
  noticeUnlisted(session);
  const plan = planFor(target, before, { maintenance, running: confirm });
  ensureNotBlocked(plan, target);
  const pending = plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id);
  const runnable = await loadPending(session.history, target, new Set(pending));
  await ensureResumable(session.lock.client, before, runnable);
  await openLedger(session);
  const { applied, error } = await runSteps(session, pending, runnable);
  if (error === null) await recordReached(session, release, maintenance ? release : confirm);
  const done = new Set([...appliedIds(before), ...applied]);
  const remaining = error === null ? releasesLeft(session.history, done, { release, goal }) : [];
  const failed =
    error === null ? null : { id: pending[applied.length] ?? '', code: error.code, message: error.message };
  return {
    from: plan.from,
    to: release,
    applied,
    held: plan.held,
    failed,
    durationMs: Math.round(performance.now() - began),
    remaining,
    error,
  };
}

/** In order, one after the other; when one fails, nothing after it runs. */
async function runSteps(
  session: Session,
  pending: readonly string[],
  runnable: ReadonlyMap<string, RunnableMigration>,
): Promise<{ applied: string[]; error: PhaseError | null }> {
  const { reporter } = session.options;
  const applied: string[] = [];
  for (const id of pending) {
    const migration = runnable.get(id);
    if (!migration) continue;
    const began = performance.now();
    reporter.stepStarted(id);
    try {
      await applyMigration(session, migration);
    } catch (error) {
      return {
        applied,
        error:
          error instanceof PhaseError
            ? error
            : new PhaseError('PH5000', { message: reasonOf(error) }, { cause: error }),
      };
    }
    applied.push(id);
    reporter.stepDone(id, performance.now() - began);
  }
  return { applied, error: null };
}

/**
 * Only when all of it has run: a gate that refuses doubts what was said, and the release that waits for nothing but held
 * steps goes on doing so. After maintenance nothing but this release can start, so it counts as confirmed.
 */
async function recordReached({ lock }: Session, release: Release, confirmed: Release | null): Promise<void> {
  // In this order: what is migrated to after it was said who is alive may be alive, too.
  if (confirmed !== null) await recordConfirmed(lock.client, confirmed);
  await recordMigrated(lock.client, release);
}

function noticeUnlisted({ history, options }: Session): void {
  for (const { path } of unlistedFiles(history)) {
    options.reporter.notice(`${path} is in no manifest and does not run; phase hash enters it.`);
  }
}
