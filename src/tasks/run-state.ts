import type { RunProgress, RunRequest, RunState } from '../data/runs.ts';
import type { RunSettings } from '../data/settings.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { ParamValue } from './params.ts';

/** A run as it is now; `interrupted` is one whose process is gone before its end. */
export interface RunStatus {
  readonly run: number;
  readonly kind: 'migration' | 'task';
  readonly name: string;
  readonly state: RunState | 'interrupted';
  readonly request: RunRequest | null;
  readonly rows: number;
  readonly total: number | null;
  readonly rate: number;
  readonly eta: number | null;
  /** From 0 to 1. */
  readonly done: number;
  readonly lag: number | null;
  readonly table: string | null;
  readonly waitingFor: string | null;
  readonly params: Readonly<Record<string, ParamValue>>;
  /** Given for this run. */
  readonly settings: Partial<RunSettings>;
  /** What it last worked by. */
  readonly inForce: Partial<RunSettings>;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

interface RunRow extends Omit<RunStatus, 'state' | 'total' | 'rate' | 'eta' | 'done' | 'lag' | 'table' | 'error'> {
  readonly state: RunState;
  readonly alive: boolean;
  readonly progress: RunProgress | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

const TIME = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const RUNS = `
  SELECT r.number::float8 AS run, kind, name, state, request, rows::float8 AS rows, waiting_for AS "waitingFor", params, settings,
    in_force AS "inForce", progress, error_code AS "errorCode", error AS "errorMessage",
    ${TIME('started_at')} AS "startedAt", ${TIME('updated_at')} AS "updatedAt", ${TIME('finished_at')} AS "finishedAt",
    EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.application_name LIKE 'phase-%'
      AND split_part(a.application_name, ' ', 2) = r.run) AS alive
  FROM phase.runs r`;

/** Runs, the last one first. @param name of a task or migration; left out: all. */
export async function readRuns(db: Queryable, name?: string): Promise<RunStatus[]> {
  const rows = await all<RunRow>(db, `${RUNS} WHERE $1::text IS NULL OR name = $1 ORDER BY r.number DESC LIMIT 1000`, [
    name ?? null,
  ]);
  return rows.map(statusOf);
}

export async function readRun(db: Queryable, number: number): Promise<RunStatus> {
  const [row] = await all<RunRow>(db, `${RUNS} WHERE r.number = $1`, [number]);
  if (row === undefined) throw new Error(`Run ${number} is gone.`);
  return statusOf(row);
}

function statusOf({ alive, progress, errorCode, errorMessage, ...row }: RunRow): RunStatus {
  const isOpen = row.state === 'running' || row.state === 'paused';
  return {
    ...row,
    state: isOpen && !alive ? 'interrupted' : row.state,
    total: progress?.total ?? null,
    rate: progress?.rate ?? 0,
    eta: row.state === 'done' ? 0 : (progress?.eta ?? null),
    done: row.state === 'done' ? 1 : (progress?.done ?? 0),
    lag: progress?.lag ?? null,
    table: progress?.table ?? null,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' },
  };
}

/** Whether its process works on it. */
export const isGoingOn = ({ state }: RunStatus): boolean => state === 'running' || state === 'paused';

/** The last run of a task or migration. @throws PH1025 when nothing has run under that name. */
export async function lastRun(db: Queryable, name: string): Promise<RunStatus> {
  const [run] = await readRuns(db, name);
  if (run !== undefined) return run;
  const names = await all<{ name: string }>(db, 'SELECT DISTINCT name FROM phase.runs ORDER BY 1 LIMIT 10');
  throw new PhaseError('PH1025', { name, close: names.map((row) => row.name) });
}

/**
 * Asks the runs of a task or migration that go on to do something; they obey before their next batch.
 * @throws PH1024 when none goes on.
 */
export async function requestOf(db: Queryable, name: string, request: RunRequest | null, wish: string): Promise<void> {
  const last = await lastRun(db, name);
  const going = (await readRuns(db, name)).filter(isGoingOn);
  if (going.length === 0) throw new PhaseError('PH1024', { name, wish, state: last.state });
  await update(db, 'request = $2', going, request);
}

/** Changes settings of runs that go on. @throws PH1024 when none goes on. */
export async function changeSettings(db: Queryable, name: string, settings: Partial<RunSettings>): Promise<void> {
  const last = await lastRun(db, name);
  const going = (await readRuns(db, name)).filter(isGoingOn);
  if (going.length === 0) throw new PhaseError('PH1024', { name, wish: 'set', state: last.state });
  await update(db, 'settings = settings || $2', going, JSON.stringify(settings));
}

/** Also where the role reads only, unless it says otherwise. */
async function update(db: Queryable, set: string, runs: readonly RunStatus[], value: string | null): Promise<void> {
  const sql = `UPDATE phase.runs SET ${set}, updated_at = clock_timestamp() WHERE number = ANY ($1)`;
  await inTransaction(db, () => db.query(sql, [runs.map(({ run }) => run), value]), 'BEGIN READ WRITE');
}
