import { PhaseError } from '../domain/errors/phase-error.ts';
import type { FailedEvent, MigratedEvent } from '../domain/events.ts';
import { parseRelease } from '../domain/release.ts';
import type { Ended, MigrateResult, RollbackResult } from '../domain/results.ts';
import { asPhaseError } from '../postgres/known-error.ts';
import { readHistory } from '../project/history.ts';
import { currentRelease, targetRelease } from '../project/target-release.ts';
import { finish as runFinish, migrate as runMigrate } from '../runner/migrate.ts';
import { rollback as runRollback } from '../runner/rollback.ts';
import { callHook } from './hooks.ts';
import { read } from './options.ts';
import { type Opened, open, type ProjectOptions } from './project.ts';
import { traced } from './tracing.ts';

/** As of `phase migrate`. */
export interface MigrateOptions extends ProjectOptions {
  /** The release to migrate to; else the configuration's, else the version in package.json. */
  readonly release?: string | undefined;
  /** Nothing is alive: nothing is held. */
  readonly maintenance?: boolean | undefined;
  /** One release at a time. */
  readonly slowRoll?: boolean | undefined;
  /** Run what was taken over from knex in a database that has tables already. */
  readonly runBaseline?: boolean | undefined;
  /** The release that every instance has now; not with `maintenance`. */
  readonly running?: string | undefined;
  /** How old the last write to an old column has to be before phase 3: seconds, or a text such as `10min`; else the configuration's. */
  readonly stragglerWindow?: string | number | undefined;
}

/** As of `phase finish`. */
export interface FinishOptions extends ProjectOptions, Pick<MigrateOptions, 'stragglerWindow'> {}

/** As of `phase rollback`. */
export interface RollbackOptions extends ProjectOptions {
  /** Undo the last so many; 1 when left out. */
  readonly steps?: number | undefined;
  /** Undo everything after this one instead. */
  readonly to?: string | undefined;
}

/**
 * Runs what a release needs before it is rolled out; steps that would break a release that is alive are held.
 * @throws PhaseError whose `result` says what had run, where it failed in the middle; exit codes as of the command.
 */
export async function migrate(options: MigrateOptions = {}): Promise<MigrateResult> {
  const { release: given, running, ...flags } = read('migrate', options);
  const { maintenance, slowRoll, runBaseline, stragglerWindow, ...rest } = flags;
  const opened = await open(rest, stragglerWindow);
  const target = given ?? currentRelease(opened.project);
  if (opened.project.config.drift.beforeMigrate) await ensureNoDrift(opened);
  return watched({ command: 'migrate', release: target }, opened, (runner) =>
    runMigrate({
      ...runner,
      release: targetRelease(opened.project, given),
      maintenance,
      slowRoll,
      runBaseline,
      running: running === undefined ? null : parseRelease(running),
    }),
  );
}

/** @throws PH2027 where something was changed by hand since the last migration. */
async function ensureNoDrift({ project, database, env }: Opened): Promise<void> {
  const { findDrift, stepsThatRan } = await import('../sources/drift.ts');
  const history = await readHistory(project.root);
  // Before the first one there is nothing to compare with.
  if ((await stepsThatRan({ project, history }, database)).length === 0) return;
  const shadow = project.config.shadowDatabaseUrl ?? (env.PHASE_SHADOW_DATABASE_URL || undefined);
  const { differences } = await findDrift({ project, history, database, shadow, release: undefined }, []);
  if (differences.length > 0) throw new PhaseError('PH2027', { differences: differences.map(({ object }) => object) });
}

/**
 * Confirms that only the release migrated last is alive, and runs what was held.
 * @throws PhaseError as `migrate` does; PH1021 when none was migrated.
 */
export async function finish(options: FinishOptions = {}): Promise<MigrateResult> {
  const { stragglerWindow, ...rest } = read('finish', options);
  return watched({ command: 'finish', release: null }, await open(rest, stragglerWindow), runFinish);
}

/**
 * Undoes the migrations that ran last, the last one first.
 * @throws PhaseError whose `result` says what had been undone, where it failed in the middle.
 */
export async function rollback(options: RollbackOptions = {}): Promise<RollbackResult> {
  const { steps, to, ...rest } = read('rollback', options);
  const opened = await open(rest);
  if (opened.environment?.forwardOnly) throw new PhaseError('PH2025', { environment: opened.environment.name });
  return watched({ command: 'rollback', release: null }, opened, (runner) =>
    runRollback({ ...runner, steps, to: to ?? null }),
  );
}

interface Watched {
  readonly command: FailedEvent['command'];
  /** What is to be migrated to, as it was said. */
  readonly release: string | null;
}

/** A run as one span, whose end is told to whoever listens, and to the hook of the configuration. */
async function watched<R extends MigrateResult | RollbackResult>(
  { command, release }: Watched,
  opened: Opened,
  run: (runner: Opened) => Promise<Ended<R>>,
): Promise<R> {
  const runner = await traced(opened);
  const attributes = {
    'db.system.name': 'postgresql',
    'triphase.command': command,
    ...(release === null ? {} : { 'triphase.release': release }),
  };
  const tell = async (event: MigratedEvent | FailedEvent): Promise<void> => {
    runner.onEvent(event);
    await callHook(runner, event);
  };
  const work = { name: `phase ${command}`, attributes };
  const result = await runner
    .trace(work, async () => resultOf(await run(runner)))
    .catch(async (error) => {
      const known = asPhaseError(error);
      await tell(failedEvent(command, release, known));
      throw known;
    });
  if (command !== 'rollback' && 'applied' in result) await tell(migratedEvent(command, result));
  return result;
}

/** @throws what ended the run, with what it had done until then. */
function resultOf<R extends MigrateResult | RollbackResult>({ result, error }: Ended<R>): R {
  if (error === null) return result;
  throw Object.assign(error, { result });
}

function migratedEvent(command: 'migrate' | 'finish', { failed, ...result }: MigrateResult): MigratedEvent {
  return { type: 'migrated', command, ...result };
}

function failedEvent(command: FailedEvent['command'], release: string | null, error: PhaseError): FailedEvent {
  const { to = release, failed = null, applied, reverted } = error.result ?? {};
  return { type: 'failed', command, release: to, id: failed?.id ?? null, done: applied ?? reverted ?? [], error };
}
