import { hostname } from 'node:os';
import type { RunProgress } from '../domain/run-progress.ts';
import type { RunSettings } from '../domain/run-settings.ts';
import { all, type LedgerDb, one } from '../postgres/queryable.ts';
import { isoTime } from '../postgres/time.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { ledgerOf } from './connection.ts';

export type RunState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
export type RunRequest = 'pause' | 'cancel';

export interface NewRun {
  readonly kind: 'migration' | 'task';
  /** Id of the migration, or name of the task. */
  readonly name: string;
  /** The run of phase, as in the application name of its connections. */
  readonly run: string;
  readonly toolVersion: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Given for this run. */
  readonly settings?: Partial<RunSettings>;
}

/** Enters a run; gives its number. */
export async function enterRun(db: LedgerDb, run: NewRun): Promise<string> {
  const { number } = await one<{ number: string }>(
    db,
    `INSERT INTO ${ledgerOf(db)}.runs (kind, name, run, state, params, settings, host, tool_version)
     VALUES ($1, $2, $3, 'running', $4, $5, $6, $7) RETURNING number::text`,
    [
      run.kind,
      run.name,
      run.run,
      JSON.stringify(run.params ?? {}),
      JSON.stringify(run.settings ?? {}),
      hostname(),
      run.toolVersion,
    ],
  );
  return number;
}

/** Takes up a run that its process has left. */
export async function takeUpRun(db: LedgerDb, number: string, run: Pick<NewRun, 'run' | 'toolVersion'>): Promise<void> {
  await db.query(
    `UPDATE ${ledgerOf(db)}.runs SET run = $2, state = 'running', request = NULL, error_code = NULL, error = NULL, finished_at = NULL,
       host = $3, tool_version = $4, updated_at = pg_catalog.clock_timestamp() WHERE number = $1`,
    [number, run.run, hostname(), run.toolVersion],
  );
}

/** A parameter of a task, as it was given. */
export type ParamValue = string | number | boolean;

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

const runsOf = (ledger: string): string => `
  SELECT r.number::float8 AS run, kind, name, state, request, rows::float8 AS rows, waiting_for AS "waitingFor", params, settings,
    in_force AS "inForce", progress, error_code AS "errorCode", error AS "errorMessage",
    ${isoTime('started_at')} AS "startedAt", ${isoTime('updated_at')} AS "updatedAt", ${isoTime('finished_at')} AS "finishedAt",
    EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.application_name LIKE 'phase-%'
      AND split_part(a.application_name, ' ', 2) = r.run) AS alive
  FROM ${ledger}.runs r`;

/** Runs, the last one first. @param name of a task or migration; left out: all. */
export async function readRuns(db: LedgerDb, name?: string): Promise<RunStatus[]> {
  const rows = await all<RunRow>(
    db,
    `${runsOf(ledgerOf(db))} WHERE $1::text IS NULL OR name = $1 ORDER BY r.number DESC LIMIT 1000`,
    [name ?? null],
  );
  return rows.map(statusOf);
}

export async function readRun(db: LedgerDb, number: number): Promise<RunStatus> {
  const [row] = await all<RunRow>(db, `${runsOf(ledgerOf(db))} WHERE r.number = $1`, [number]);
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

/** Names of what has run, ten at most. */
export async function namesOfRuns(db: LedgerDb): Promise<string[]> {
  const sql = `SELECT DISTINCT name FROM ${ledgerOf(db)}.runs ORDER BY 1 LIMIT 10`;
  return (await all<{ name: string }>(db, sql)).map(({ name }) => name);
}

/** Asks runs for something, or for nothing any more. */
export function requestRuns(db: LedgerDb, runs: readonly RunStatus[], request: RunRequest | null): Promise<void> {
  return update(db, 'request = $2', runs, request);
}

/** Lays settings over those that runs work by. */
export function setRuns(db: LedgerDb, runs: readonly RunStatus[], settings: Partial<RunSettings>): Promise<void> {
  return update(db, 'settings = settings || $2', runs, JSON.stringify(settings));
}

/** What a run is asked for, and the settings that were given for it; undefined where it is gone. */
export async function readRunWishes(
  db: LedgerDb,
  number: string,
): Promise<{ request: RunRequest | null; settings: Partial<RunSettings> } | undefined> {
  const sql = `SELECT request, settings FROM ${ledgerOf(db)}.runs WHERE number = $1`;
  return (await all<{ request: RunRequest | null; settings: Partial<RunSettings> }>(db, sql, [number]))[0];
}

/** What a run says of itself. */
export interface RunReport {
  readonly number: string;
  /** Null: nothing new. */
  readonly progress: RunProgress | null;
  /** Rows changed by all of its walks. */
  readonly rows: number;
  /** The settings that it works by. */
  readonly settings: RunSettings;
}

/** A run that was asked to pause and waits has paused. */
export async function reportRun(db: LedgerDb, report: RunReport, waitingFor: string | null): Promise<void> {
  await db.query(
    `${said(db)}, waiting_for = $5,
       state = CASE WHEN request = 'pause' AND $5::text IS NOT NULL THEN 'paused' ELSE 'running' END WHERE number = $1`,
    [...reported(report), waitingFor],
  );
}

export async function endRun(
  db: LedgerDb,
  report: RunReport,
  state: Exclude<RunState, 'running' | 'paused'>,
  error?: { readonly code: string; readonly message: string },
): Promise<void> {
  await db.query(
    `${said(db)}, state = $5, request = NULL, waiting_for = NULL, error_code = $6, error = $7, finished_at = pg_catalog.clock_timestamp() WHERE number = $1`,
    [...reported(report), state, error?.code ?? null, error?.message ?? null],
  );
}

const said = (db: LedgerDb): string =>
  `UPDATE ${ledgerOf(db)}.runs SET progress = coalesce($2::jsonb, progress), rows = greatest(rows, $3), in_force = $4, updated_at = pg_catalog.clock_timestamp()`;

const reported = ({ number, progress, rows, settings }: RunReport): unknown[] => [
  number,
  progress === null ? null : JSON.stringify(progress),
  rows,
  JSON.stringify(settings),
];

/** Also where the role reads only, unless it says otherwise. */
async function update(db: LedgerDb, set: string, runs: readonly RunStatus[], value: string | null): Promise<void> {
  const sql = `UPDATE ${ledgerOf(db)}.runs SET ${set}, updated_at = clock_timestamp() WHERE number = ANY ($1)`;
  await inTransaction(db, () => db.query(sql, [runs.map(({ run }) => run), value]), 'BEGIN READ WRITE');
}
