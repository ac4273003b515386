import { ensureAuditsWritable } from '../data/audit/writable.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { migrationRef } from '../domain/events.ts';
import type { Release } from '../domain/release.ts';
import type { Ended, MigrateResult } from '../domain/results.ts';
import { appliedIds, type Ledger } from '../ledger/ledger.ts';
import { recordConfirmed, recordMigrated } from '../ledger/releases.ts';
import { recordTarget } from '../ledger/target.ts';
import { readHistory, unfitFiles, unlistedFiles } from '../project/history.ts';
import type { RunnableMigration } from './apply.ts';
import { ensureApproved } from './approvals.ts';
import { readOwnLedger } from './own-ledger.ts';
import { settleByHand } from './pairs/watch.ts';
import { targetOf } from './prepare.ts';
import { prepareRun, type RunRequest } from './prepare-run.ts';
import { openLedger, type RunnerOptions, type Session, withSession } from './session.ts';
import { releasesLeft } from './slow-roll.ts';
import { runStep } from './step.ts';

export interface MigrateOptions extends RunnerOptions, RunRequest {}

/** Runs what a release needs before it is rolled out; steps that would break a release that is alive are held. */
export async function migrate(options: MigrateOptions): Promise<Ended<MigrateResult>> {
  const root = options.project.root;
  // Everything that the files alone tell is refused before the database is touched.
  targetOf(await readHistory(root), options.release);
  return withSession(
    options,
    () => readHistory(root),
    async (session) => {
      const ledger = await readOwnLedger(session.lock.client, session.options.project, session.history);
      return run(session, ledger, options);
    },
  );
}

/** Confirms that only the release migrated last is alive, and runs what was held. @throws PH1021 when none was. */
export async function finish(options: RunnerOptions): Promise<Ended<MigrateResult>> {
  return withSession(
    options,
    () => readHistory(options.project.root),
    async (session) => {
      const ledger = await readOwnLedger(session.lock.client, session.options.project, session.history);
      const release = ledger.migrated.at(-1);
      if (release === undefined) throw new PhaseError('PH1021', {});
      return run(session, ledger, {
        release,
        slowRoll: false,
        maintenance: false,
        running: release,
        runBaseline: false,
      });
    },
  );
}

async function run(session: Session, before: Ledger, request: RunRequest): Promise<Ended<MigrateResult>> {
  const began = performance.now();
  const { history, lock } = session;
  await noticeUnlisted(session);
  const { plan, pending, runnable, confirms } = await prepareRun(
    lock.client,
    { project: session.options.project, history },
    before,
    request,
  ).catch(async (error) => {
    // What has died in the middle may have altered columns, and nobody may get to it for a while.
    if (error instanceof PhaseError && error.code === 'PH3011') await settleByHand(session).catch(() => undefined);
    throw error;
  });
  await ensureApproved(
    lock.client,
    session.options.approvals ?? 0,
    pending.flatMap((id) => runnable.get(id)?.entry ?? []),
  );
  await ensureRoomForAudits(session, pending, runnable);
  for (const step of plan.steps) {
    if (step.state === 'held') session.options.onEvent({ type: 'held', ...migrationRef(step) });
  }
  await openLedger(session);
  await settleByHand(session);
  const { applied, error } = await runSteps(session, pending, runnable);
  if (error === null) {
    await recordTarget(lock.client);
    await recordReached(session, plan.to, confirms);
  }
  const done = new Set([...appliedIds(before), ...applied]);
  const remaining = error === null ? releasesLeft(history, done, { release: plan.to, goal: request.release }) : [];
  const failed =
    error === null ? null : { id: pending[applied.length] ?? '', code: error.code, message: error.message };
  const result = {
    from: plan.from,
    to: plan.to,
    applied,
    held: plan.held,
    failed,
    durationMs: Math.round(performance.now() - began),
    remaining,
  };
  return { result, error };
}

/** What changes data writes down what was there. */
async function ensureRoomForAudits(
  { options }: Session,
  pending: readonly string[],
  runnable: ReadonlyMap<string, RunnableMigration>,
): Promise<void> {
  if (!pending.some((id) => runnable.get(id)?.entry.kind === 'data')) return;
  const { root, config } = options.project;
  await ensureAuditsWritable(root, config.auditStore);
}

/** In order, one after the other; when one fails, nothing after it runs. */
async function runSteps(
  session: Session,
  pending: readonly string[],
  runnable: ReadonlyMap<string, RunnableMigration>,
): Promise<{ applied: string[]; error: PhaseError | null }> {
  const applied: string[] = [];
  for (const id of pending) {
    const migration = runnable.get(id);
    if (!migration) continue;
    try {
      await runStep(session, migration, 'up');
    } catch (error) {
      if (error instanceof PhaseError) return { applied, error };
      throw error;
    }
    applied.push(id);
  }
  return { applied, error: null };
}

/**
 * Only when all of it has run: a gate that refuses doubts what was said, and the release that waits for nothing but held
 * steps goes on doing so.
 */
async function recordReached({ lock }: Session, release: Release, confirmed: Release | null): Promise<void> {
  // In this order: what is migrated to after it was said who is alive may be alive, too.
  if (confirmed !== null) await recordConfirmed(lock.client, confirmed);
  await recordMigrated(lock.client, release);
}

async function noticeUnlisted({ history, options }: Session): Promise<void> {
  const unfit = await unfitFiles(history);
  for (const path of unfit) {
    options.onEvent({
      type: 'notice',
      message: `${path} is no migration by its name and does not run; phase check says why.`,
    });
  }
  for (const { path } of unlistedFiles(history).filter((file) => !unfit.includes(file.path))) {
    options.onEvent({ type: 'notice', message: `${path} is in no manifest and does not run; phase hash enters it.` });
  }
}
