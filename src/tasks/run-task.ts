import { randomUUID } from 'node:crypto';
import { repairAudits } from '../data/audit/repair.ts';
import { steer } from '../data/steering.ts';
import { Work } from '../data/work.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { RunSettings } from '../domain/run-settings.ts';
import { ensureLedger, LEDGER_FORMAT, ledgerFormat } from '../ledger/format.ts';
import { enterRun, isGoingOn, type RunStatus, readRun, readRuns, setRuns, takeUpRun } from '../ledger/runs.ts';
import { ensureSameTarget } from '../ledger/target.ts';
import { toolVersion } from '../ledger/tool-version.ts';
import { applicationNameOf } from '../postgres/application-name.ts';
import type { Connection } from '../postgres/connection.ts';
import { isConnectionLost, reasonOf } from '../postgres/errors.ts';
import { type LedgerDb, one } from '../postgres/queryable.ts';
import { type ProjectChanges, readChanges } from '../project/renames.ts';
import { Connections } from '../runner/connections.ts';
import { connectDirect, RunnerLock } from '../runner/lock.ts';
import { projectWork } from '../runner/project-work.ts';
import type { RunnerOptions } from '../runner/session.ts';
import { loadTask, type Task } from './definition.ts';
import { readParams } from './params.ts';
import { lastRun } from './run-state.ts';

/** What a run is started with. */
export interface StartOptions extends RunnerOptions {
  readonly task: string;
  /** `name=value` */
  readonly params: readonly string[];
  readonly settings: Partial<RunSettings>;
}

/** How a run ended. */
export interface RunEnd {
  readonly status: RunStatus;
  readonly error: PhaseError | null;
}

/**
 * Starts a new run of a task, and works on it until its end.
 * @throws PH1022, PH1023, PH4003 when one goes on already.
 */
export async function startTask(options: StartOptions): Promise<RunEnd> {
  const task = await loadTask(options.project, options.task);
  const changes = await readChanges(options.project.root);
  const params = readParams(task.name, task.params, options.params);
  return withTaskSession(options, task, async (session) => {
    const { client, run } = session;
    const before = (await readRuns(client, task.name)).length === 0 ? null : await lastRun(client, task.name);
    if (before?.state === 'interrupted') {
      options.onEvent({
        type: 'notice',
        message: `Run ${before.run} did not come to its end. This is a new run; phase task resume ${task.name} would have gone on with that one.`,
      });
    }
    const settings = options.settings;
    const number = await enterRun(client, {
      kind: 'task',
      name: task.name,
      run,
      params,
      settings,
      toolVersion: toolVersion(),
    });
    return work({ ...options, ...changes }, task, session, Number(number));
  });
}

/**
 * Goes on with the last run of a task that stopped before its end: its parameters, its checkpoints.
 * @throws PH1024 when it is done.
 */
export async function resumeTask(options: Omit<StartOptions, 'params'>): Promise<RunEnd> {
  const task = await loadTask(options.project, options.task);
  const changes = await readChanges(options.project.root);
  return withTaskSession(options, task, async (session) => {
    const { client, run } = session;
    const left = await lastRun(client, task.name);
    if (left.state === 'done' || left.kind !== 'task') {
      throw new PhaseError('PH1024', { name: task.name, wish: 'resume', state: left.state });
    }
    await takeUpRun(client, String(left.run), { run, toolVersion: toolVersion() });
    await setRuns(client, [left], options.settings);
    return work({ ...options, ...changes }, task, session, left.run);
  });
}

interface TaskSession {
  /** Holds the locks. */
  readonly client: Connection;
  readonly run: string;
  readonly connections: Connections;
}

async function withTaskSession<T>(
  options: Pick<RunnerOptions, 'database' | 'project' | 'onEvent'>,
  task: Task,
  body: (session: TaskSession) => Promise<T>,
): Promise<T> {
  const { database, project } = options;
  const run = randomUUID().slice(0, 8);
  const applicationName = applicationNameOf('phase-task', run);
  const client = await connectDirect({ ...database, applicationName }, project.config.lockTimeout);
  try {
    await ensureLedgerFor(options, client);
    await ensureSameTarget(client, { asks: false });
    if (!task.concurrent) await lockTask(client, task.name);
    await repairAudits(client, options.project.root);
    return await body({ client, run, connections: new Connections({ database, project, applicationName }) });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The ledger is made and brought up to date under the runner's lock only. */
async function ensureLedgerFor(
  { database, project, onEvent }: Pick<RunnerOptions, 'database' | 'project' | 'onEvent'>,
  db: LedgerDb,
): Promise<void> {
  if ((await ledgerFormat(db)) === LEDGER_FORMAT) return;
  const { runnerLockTimeout, lockTimeout } = project.config;
  const lock = await RunnerLock.acquire({
    database,
    waitMs: runnerLockTimeout,
    lockTimeoutMs: lockTimeout,
    onWait: (holder) => onEvent({ type: 'waitingForLock', holder }),
  });
  try {
    await ensureLedger(lock.client);
  } finally {
    await lock.release();
  }
}

/** @throws PH4003 */
async function lockTask(db: LedgerDb, name: string): Promise<void> {
  const { locked } = await one<{ locked: boolean }>(
    db,
    `SELECT pg_try_advisory_lock(hashtextextended('triphase task ' || $1, 0)) AS locked`,
    [name],
  );
  if (locked) return;
  const going = (await readRuns(db, name)).find(isGoingOn);
  const holder = going === undefined ? 'it is just beginning' : `run ${going.run}, since ${going.startedAt}`;
  throw new PhaseError('PH4003', { task: name, holder });
}

/** The task's own code, with everything around it. */
async function work(
  options: Pick<RunnerOptions, 'project' | 'onEvent'> & ProjectChanges,
  task: Task,
  { client, run, connections }: TaskSession,
  number: number,
): Promise<RunEnd> {
  const knex = connections.knex();
  const db = await connections.connect();
  const { connect } = connections;
  const ofProject = projectWork(options, options, task.name);
  const { runSettings } = ofProject;
  const about = { kind: 'task', name: task.name, run, toolVersion: toolVersion(), runNumber: String(number) } as const;
  const steering = await steer({ ...about, runSettings, connect });
  const dataWork = new Work({
    ...ofProject,
    ...about,
    owner: `${task.name}#${number}`,
    ticket: task.ticket,
    direction: 'run',
    knex,
    db,
    connect,
    steering,
  });
  const { params } = await readRun(client, number);
  try {
    await task.run(knex, { ...dataWork.context, params, run: number });
    await dataWork.ensureEnded();
    await dataWork.succeeded();
    return { status: await readRun(client, number), error: null };
  } catch (error) {
    const known = asTaskError(error, task);
    await dataWork.failed({ code: known.code, message: known.message });
    return { status: await readRun(client, number), error: known };
  } finally {
    await knex.destroy();
    await db.end().catch(() => undefined);
  }
}

function asTaskError(error: unknown, task: Task): PhaseError {
  if (error instanceof PhaseError) return error;
  if (isConnectionLost(error)) return new PhaseError('PH5004', { during: task.name }, { cause: error });
  return new PhaseError('PH5020', { task: task.name, file: task.path, reason: reasonOf(error) }, { cause: error });
}
