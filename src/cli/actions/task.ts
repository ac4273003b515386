import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { RunSettings } from '../../domain/run-settings.ts';
import { ensureKnownFormat, ledgerFormat, READABLE_FORMAT } from '../../ledger/format.ts';
import { isGoingOn, type RunStatus, readRuns } from '../../ledger/runs.ts';
import { withConnection } from '../../postgres/connection.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import { formatDuration, parseDuration } from '../../project/duration.ts';
import { table } from '../../report/table.ts';
import { listTasks, loadTask, type Task } from '../../tasks/definition.ts';
import { paramInWords } from '../../tasks/params.ts';
import { changeSettings, lastRun, requestOf } from '../../tasks/run-state.ts';
import { type RunEnd, resumeTask, startTask } from '../../tasks/run-task.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

interface SettingFlags {
  workers?: string;
  batchMs?: string;
  maxLag?: string;
  maxGrowth?: string;
  nice?: string;
}

interface RunFlags extends SettingFlags {
  param: string[];
}

function settingsOf({ workers, batchMs, maxLag, maxGrowth, nice }: SettingFlags): Partial<RunSettings> {
  return {
    ...(workers === undefined ? {} : { workers: numberOf('--workers', workers, 1, 64, true) }),
    ...(batchMs === undefined ? {} : { batchDuration: numberOf('--batch-ms', batchMs, 1, 60_000, false) }),
    ...(maxLag === undefined ? {} : { maxLag: parseDuration('--max-lag', maxLag) }),
    ...(maxGrowth === undefined ? {} : { maxGrowth: numberOf('--max-growth', maxGrowth, 0, 100, false) }),
    ...(nice === undefined ? {} : { niceRatio: numberOf('--nice', nice, 0, 100, false) }),
  };
}

function numberOf(flag: string, text: string, least: number, most: number, whole: boolean): number {
  const value = Number(text);
  const isOne = text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value));
  if (isOne) return value;
  const allowed = `${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`;
  throw new PhaseError('PH1015', { what: flag, value: text, allowed });
}

export async function run(context: CommandContext, command: Command): Promise<Result> {
  const flags = command.opts<RunFlags>();
  const task = command.args[0] ?? '';
  const options = { ...(await context.runner()), task, params: flags.param, settings: settingsOf(flags) };
  return ended(await startTask(options));
}

export function request(context: CommandContext, name: string, wish: 'pause' | 'cancel'): Promise<Result> {
  return onLedger(context, name, async (db) => {
    await requestOf(db, name, wish, wish);
    return statusResult(await lastRun(db, name), await readRuns(db, name));
  });
}

/** What waits in another process goes on there; what has no process any more goes on here. */
export async function resume(context: CommandContext, command: Command): Promise<Result> {
  const name = command.args[0] ?? '';
  const settings = settingsOf(command.opts<SettingFlags>());
  const elsewhere = await onLedger(context, name, async (db) => {
    const last = await lastRun(db, name);
    if (!(await readRuns(db, name)).some(isGoingOn)) {
      if (last.kind === 'task' && last.state !== 'done') return null;
      throw new PhaseError('PH1024', { name, wish: 'resume', state: last.state });
    }
    await changeSettings(db, name, settings);
    await requestOf(db, name, null, 'resume');
    return statusResult(await lastRun(db, name), await readRuns(db, name));
  });
  return elsewhere ?? ended(await resumeTask({ ...(await context.runner()), task: name, settings }));
}

export function set(context: CommandContext, command: Command): Promise<Result> {
  const settings = settingsOf(command.opts<SettingFlags>());
  if (Object.keys(settings).length === 0) {
    throw new PhaseError('PH1004', {
      question: 'Which setting?',
      flag: '--workers, --batch-ms, --max-lag, --max-growth or --nice',
    });
  }
  const name = command.args[0] ?? '';
  return onLedger(context, name, async (db) => {
    await changeSettings(db, name, settings);
    return statusResult(await lastRun(db, name), await readRuns(db, name));
  });
}

function ended({ status: last, error }: RunEnd): Result {
  return { ...statusResult(last, [last]), error };
}

export function status(context: CommandContext, name: string): Promise<Result> {
  return onLedger(context, name, async (db) => statusResult(await lastRun(db, name), await readRuns(db, name)));
}

export async function list(context: CommandContext, name: string | undefined): Promise<Result> {
  const project = await context.openProject();
  const known = await listTasks(project.root);
  const tasks = await readable(
    context,
    known.filter((task) => name === undefined || task === name).map((task) => loadTask(project, task)),
  );
  const runs = await onLedger(context, name ?? '', (db) => readRuns(db, name), []);
  if (name !== undefined && runs.length === 0 && !known.includes(name)) {
    throw new PhaseError('PH1022', { task: name, known });
  }
  const described = tasks.map(({ run: _, ...task }) => task);
  const lines = tasks.map(({ name: task, params }) => [
    task,
    Object.entries(params)
      .map(
        ([param, definition]) =>
          `${param}=${paramInWords(definition)}${definition.required === true ? '' : ' (optional)'}`,
      )
      .join(', '),
  ]);
  const text = [tasks.length === 0 ? 'no tasks' : table(lines), runs.length === 0 ? '' : table(runs.map(lineOf))];
  return { document: { tasks: described, runs }, text: text.filter((part) => part !== '').join('\n\n') };
}

/** One that cannot be loaded says so, and hides none of the others. */
async function readable(context: CommandContext, loading: readonly Promise<Task>[]): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const each of await Promise.allSettled(loading)) {
    if (each.status === 'fulfilled') tasks.push(each.value);
    else if (each.reason instanceof PhaseError) context.output.notice(`${each.reason.code} ${each.reason.message}`);
    else throw each.reason;
  }
  return tasks;
}

/** @param name whose run it is about; @param empty what it is where nothing has been written yet. */
async function onLedger<T>(
  context: CommandContext,
  name: string,
  body: (db: LedgerDb) => Promise<T>,
  empty?: T,
): Promise<T> {
  const project = await context.openProject();
  const database = await context.database(project);
  return withConnection({ ...database, applicationName: 'phase task' }, async (db) => {
    const format = await ledgerFormat(db);
    ensureKnownFormat(format);
    if (format < READABLE_FORMAT) {
      if (empty !== undefined) return empty;
      throw new PhaseError('PH1025', { name, close: [] });
    }
    return body(db);
  });
}

function statusResult(last: RunStatus, runs: readonly RunStatus[]): Result {
  const { error } = last;
  const rows = [
    ['run', `${last.run} of ${last.kind} ${last.name}`],
    ['state', `${last.state}${last.request === null ? '' : ` (${last.request} was asked for)`}`],
    [
      'rows',
      `${last.rows}${last.total === null ? '' : ` of about ${Math.round(last.total)}`}, ${Math.round(last.done * 100)} %`,
    ],
    ['table', last.table ?? ''],
    [
      'rate',
      isGoingOn(last)
        ? `${last.rate} rows/s${last.eta === null ? '' : `, ${formatDuration(last.eta * 1_000)} left`}`
        : '',
    ],
    ['waiting for', last.waitingFor ?? ''],
    ['replica', last.lag === null ? '' : `${last.lag.toFixed(1)} s behind`],
    ['error', error === null ? '' : `${error.code} ${error.message}`],
  ];
  const { error: failure, ...rest } = last;
  return {
    document: {
      ...rest,
      failure,
      runs: runs.map(({ run: number, state, startedAt }) => ({ run: number, state, startedAt })),
    },
    text: table(rows.filter(([, value]) => value !== '')),
  };
}

function lineOf({ run: number, name, state, rows, startedAt, waitingFor }: RunStatus): string[] {
  return [`run ${number}`, name, state, `${rows} rows`, startedAt, waitingFor ?? ''];
}
