import { setTimeout as sleep } from 'node:timers/promises';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Release } from '../domain/release.ts';
import { type Database, withConnection } from '../postgres/connection.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import type { Project } from '../project/config.ts';
import { type History, readHistory } from '../project/history.ts';
import { readOwnLedger } from './own-ledger.ts';
import { ensureNotBroken, planFor, targetOf } from './prepare.ts';

export interface WaitOptions {
  readonly project: Project;
  readonly database: Database;
  readonly release: Release;
  readonly timeoutMs: number;
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

/**
 * Waits until a release can start: everything up to it is applied or held. Reads only, checks at least once, and goes on
 * while the database is not up yet.
 * @throws PH2009 when the release has been broken by a step that ran.
 */
export async function waitFor(options: WaitOptions): Promise<WaitResult> {
  const history = await readHistory(options.project.root);
  const until = Date.now() + options.timeoutMs;
  let told = '';
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const result = await check(options, history);
    if (result.ready || Date.now() + pause > until) return result;
    const what = result.unreachable?.message ?? `waiting for ${result.missing.join(', ')}`;
    if (what !== told) options.onWait(what, result.missing);
    told = what;
    await sleep(pause);
  }
}

async function check({ project, database, release }: WaitOptions, history: History): Promise<WaitResult> {
  try {
    const missing = await withConnection({ ...database, applicationName: 'phase wait' }, (db) =>
      missingFor(db, project, history, release),
    );
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
