import { setTimeout as sleep } from 'node:timers/promises';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Release } from '../domain/release.ts';
import { failedAttempt } from '../ledger/attempts.ts';
import { ledgerFormat } from '../ledger/format.ts';
import { type Database, withConnection } from '../postgres/connection.ts';
import { codeOf, sqlState } from '../postgres/errors.ts';
import { type LedgerDb, one } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { type History, readHistory } from '../project/history.ts';
import { isLockHeld } from './lock.ts';
import { readOwnLedger } from './own-ledger.ts';
import { ensureNotBroken, planFor, targetOf } from './prepare.ts';

export interface WaitOptions {
  readonly project: Project;
  readonly database: Database;
  readonly release: Release;
  readonly timeoutMs: number;
  /** How long after a failure a run is given to be tried again. */
  readonly retryMs?: number;
  /** Told when what is missing changes, or why the database cannot be asked. */
  onWait(what: string, missing: readonly string[]): void;
}

export interface WaitResult {
  readonly ready: boolean;
  /** Ids that are still to run; null when the database was never reached. */
  readonly missing: readonly string[];
  readonly unreachable: PhaseError | null;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;
/** A Job of Kubernetes that has failed is tried again after 10 seconds, then after 20. */
const RETRY_MS = 40_000;

/**
 * Waits until a release can start: everything up to it is applied or held. Reads only, checks at least once, and goes on
 * while the database is not up yet.
 * @throws PH2009 when the release has been broken by a step that ran, PH5029 when what it waits for has failed meanwhile, and nobody tries it again.
 */
export async function waitFor(options: WaitOptions): Promise<WaitResult> {
  const history = await readHistory(options.project.root);
  const until = Date.now() + options.timeoutMs;
  const watch: Watch = { began: null, retryMs: options.retryMs ?? RETRY_MS };
  let told = '';
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const result = await check(options, history, watch);
    if (result.ready || Date.now() + pause > until) return result;
    const what = result.unreachable?.message ?? `waiting for ${result.missing.join(', ')}`;
    if (what !== told) options.onWait(what, result.missing);
    told = what;
    await sleep(pause);
  }
}

interface Watch {
  /** The server's time when it was first asked: what failed before that is about to be tried again. */
  began: string | null;
  readonly retryMs: number;
}

async function check({ project, database, release }: WaitOptions, history: History, watch: Watch): Promise<WaitResult> {
  try {
    const missing = await withConnection({ ...database, applicationName: 'phase wait' }, async (db) => {
      const found = await missingFor(db, project, history, release);
      if (found.length > 0) await ensureNotGivenUp(db, found, watch);
      return found;
    });
    return { ready: missing.length === 0, missing, unreachable: null };
  } catch (error) {
    const isDown = error instanceof PhaseError && ['PH5001', 'PH5003', 'PH5004'].includes(error.code);
    if (isDown) return { ready: false, missing: [], unreachable: error };
    throw error;
  }
}

async function missingFor(db: LedgerDb, project: Project, history: History, release: Release): Promise<string[]> {
  const ledger = await readOwnLedger(db, project, history, { asks: true });
  const target = targetOf(history, release);
  ensureNotBroken(target, ledger);
  const plan = planFor(target, ledger, { maintenance: false, running: null });
  return plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id);
}

/** @throws PH5029 */
async function ensureNotGivenUp(db: LedgerDb, missing: readonly string[], watch: Watch): Promise<void> {
  if (watch.began === null) {
    const { now } = await one<{ now: string }>(db, 'SELECT pg_catalog.clock_timestamp()::text AS now');
    watch.began = now;
    return;
  }
  // Before the first run there is no history.
  if ((await ledgerFormat(db)) === 0 || (await isLockHeld(db))) return;
  const asked = { after: watch.began, ageMs: watch.retryMs };
  const failed = await failedAttempt(db, missing, asked).catch((error) => {
    // A role that reads no more than what is applied waits as long as it is told to.
    if (codeOf(error) === sqlState.insufficientPrivilege) return null;
    throw error;
  });
  if (failed !== null) throw new PhaseError('PH5029', { id: failed.id, cause: failed.code, reason: failed.message });
}
