import type { Knex } from 'knex';
import type pg from 'pg';
import { repairAudits } from '../data/audit/repair.ts';
import { changesOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { OnEvent } from '../domain/events.ts';
import type { Rename } from '../domain/rename.ts';
import type { Trace } from '../domain/trace.ts';
import { endLeftAttempts } from '../ledger/attempts.ts';
import { withCarried } from '../ledger/carried.ts';
import { ensureLedger } from '../ledger/format.ts';
import { recordTarget } from '../ledger/target.ts';
import { withContext } from '../operations/context.ts';
import { type Connection, cut, type Database } from '../postgres/connection.ts';
import type { Project } from '../project/config.ts';
import type { History } from '../project/history.ts';
import { Connections } from './connections.ts';
import { RunnerLock } from './lock.ts';
import { readOwnLedger } from './own-ledger.ts';
import type { FollowedChange } from './pairs/pair.ts';
import { sayFollowed } from './pairs/say.ts';
import { settlePairs } from './pairs/settle.ts';
import { takeOver } from './take-over.ts';

/** What a command works with: the project, its database, and who listens. */
export interface RunnerOptions {
  readonly project: Project;
  readonly database: Database;
  readonly onEvent: OnEvent;
  readonly trace: Trace;
  /** How old the last write to the old column has to be before step 3, in milliseconds. */
  readonly stragglerWindowMs: number;
  /** How many people besides their authors have to approve data migrations and contract steps. */
  readonly approvals?: number | undefined;
  /** Watches what migrations do; not in a deployment. */
  readonly observer?: RunObserver | undefined;
}

/** Told what migrations work with. */
export interface RunObserver {
  /** A connection that migrations run on. */
  connection(client: pg.Client): void;
  /** A table, as in SQL, that work on data goes through in batches. */
  table(name: string): void;
  /** A migration altered one column of a rename that is under way, and the other one followed. */
  followed?(migration: string, change: FollowedChange): void;
}

/** Everything that a run holds while it has the lock. */
export interface Session {
  readonly options: RunnerOptions;
  readonly lock: RunnerLock;
  readonly knex: Knex;
  /** For backfills, gates and looking at blockers: not in a transaction. */
  readonly worker: Connection;
  /** Opens one more like it. */
  connect(): Promise<Connection>;
  /** Opens one that only asks what came of something, also when the lock is lost. */
  ask(): Promise<Connection>;
  readonly history: History;
  /** What migrations are told of the gates that let them through. */
  readonly passedGates: Set<string>;
}

/**
 * Takes the lock and runs something under it; everything is closed afterwards. Nothing is written yet, not even the
 * ledger: a run that is refused leaves the database as it was.
 * @param reread reads the files again once the lock is held.
 */
export async function withSession<T>(
  options: RunnerOptions,
  reread: () => Promise<History>,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const { project, database, onEvent } = options;
  const lock = await RunnerLock.acquire({
    database,
    waitMs: project.config.runnerLockTimeout,
    lockTimeoutMs: project.config.lockTimeout,
    onWait: (holder) => onEvent({ type: 'waitingForLock', holder }),
  });
  try {
    const history = await reread();
    return await withConnections(options, lock, history, body);
  } finally {
    await lock.release();
  }
}

async function withConnections<T>(
  options: RunnerOptions,
  lock: RunnerLock,
  history: History,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const { project, database, stragglerWindowMs, observer } = options;
  const onConnection = (client: pg.Client): void => {
    // Nothing of this run goes on beside another one that has taken the lock since.
    client.once(
      'end',
      lock.onLost(() => cut(client)),
    );
    observer?.connection(client);
  };
  const connections = new Connections({ database, project, applicationName: lock.applicationName, onConnection });
  const worker = await connections.connect();
  const context = {
    root: project.root,
    renames: history.renames,
    mappings: history.mappings,
    moves: history.moves,
    patience: { lockTimeoutMs: project.config.lockTimeout, attempts: project.config.lockAttempts },
    stragglerWindowMs,
    rewriteLimitBytes: project.config.rewriteLimit,
    dryRun: false,
    passedGates: new Set<string>(),
    follow: async (trx: Knex.Transaction): Promise<void> => {
      for (const change of await settlePairs(trx, changesOf(history), null))
        options.onEvent({ type: 'notice', message: sayFollowed(change) });
    },
  };
  let knex: Knex | undefined;
  try {
    const { passedGates } = context;
    const { connect, ask } = connections;
    return await body({
      options,
      lock,
      history,
      passedGates,
      worker,
      connect,
      ask,
      // Where nothing runs, none is needed.
      get knex() {
        knex ??= withContext(connections.knex(), context);
        return knex;
      },
    });
  } finally {
    await knex?.destroy();
    await worker.end().catch(() => undefined);
  }
}

/**
 * Creates the ledger or brings it up to date, before the first thing is written into it, and makes good what a crash has
 * left of audits.
 * @throws PH5008 when the role may not.
 */
export async function openLedger({ lock, options, history }: Session): Promise<void> {
  try {
    const before = await readOwnLedger(lock.client, options.project, history);
    await ensureLedger(lock.client);
    await recordTarget(lock.client);
    await takeOver(lock.client, before, history);
    await endLeftAttempts(lock.client);
    await repairAudits(lock.client, options.project.root);
    await withCarried(lock.client, history.renames as Map<string, Rename>);
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error;
    throw new PhaseError('PH5008', { reason: (error as Error).message }, { cause: error });
  }
}
