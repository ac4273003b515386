import { PhaseError } from '../domain/errors/phase-error.ts';
import type { RunSettings } from '../domain/run-settings.ts';
import {
  isGoingOn,
  namesOfRuns,
  type RunRequest,
  type RunStatus,
  readRuns,
  requestRuns,
  setRuns,
} from '../ledger/runs.ts';
import type { LedgerDb } from '../postgres/queryable.ts';

/** The last run of a task or migration. @throws PH1025 when nothing has run under that name. */
export async function lastRun(db: LedgerDb, name: string): Promise<RunStatus> {
  const [run] = await readRuns(db, name);
  if (run !== undefined) return run;
  throw new PhaseError('PH1025', { name, close: await namesOfRuns(db) });
}

/**
 * Asks the runs of a task or migration that go on to do something; they obey before their next batch.
 * @throws PH1024 when none goes on.
 */
export async function requestOf(db: LedgerDb, name: string, request: RunRequest | null, wish: string): Promise<void> {
  const last = await lastRun(db, name);
  const going = (await readRuns(db, name)).filter(isGoingOn);
  if (going.length === 0) throw new PhaseError('PH1024', { name, wish, state: last.state });
  await requestRuns(db, going, request);
}

/** Changes settings of runs that go on. @throws PH1024 when none goes on. */
export async function changeSettings(db: LedgerDb, name: string, settings: Partial<RunSettings>): Promise<void> {
  const last = await lastRun(db, name);
  const going = (await readRuns(db, name)).filter(isGoingOn);
  if (going.length === 0) throw new PhaseError('PH1024', { name, wish: 'set', state: last.state });
  await setRuns(db, going, settings);
}
