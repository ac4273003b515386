import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { applicationNameOf } from '../postgres/application-name.ts';
import {
  type Connection,
  type ConnectionOptions,
  connect,
  type Database,
  isDirect,
  withConnection,
} from '../postgres/connection.ts';
import { isConnectionLost } from '../postgres/errors.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { prepareSession } from '../postgres/session.ts';

/** The two numbers of the advisory lock: 'phas', 'runn'. Advisory locks are by database. */
const LOCK = '1885888883, 1920298606';
const POLL_MS = 250;
/** How long a statement of a runner that died may go on before it is ended. */
const LEFTOVER_PATIENCE_MS = 10_000;
const RUNNER_PREFIX = 'phase-run';

export interface LockOptions {
  readonly database: Database;
  readonly waitMs: number;
  readonly lockTimeoutMs: number;
  /** Told once a second who holds it. */
  onWait(holder: string): void;
}

/** The runner's lock: one connection of its own holds it for the whole plan. */
export class RunnerLock {
  readonly run: string;
  readonly client: Connection;
  readonly applicationName: string;
  #lost = false;
  readonly #listeners = new Set<() => void>();

  private constructor(client: Connection, run: string, applicationName: string) {
    this.client = client;
    this.run = run;
    this.applicationName = applicationName;
    client.on('error', () => this.#lose());
    client.on('end', () => this.#lose());
  }

  /** Told when the lock is lost while it is held: another runner may have it from then on. @returns what stops the telling. */
  onLost(listener: () => void): () => void {
    if (this.#lost) listener();
    else this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #lose(): void {
    this.#lost = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  /**
   * Waits for the lock by asking again and again: a blocked waiter would deadlock with a concurrent index build.
   * @throws PH4001 when another runner keeps it, PH2010 behind a transaction pooler.
   */
  static async acquire(options: LockOptions): Promise<RunnerLock> {
    const run = randomUUID().slice(0, 8);
    const applicationName = applicationNameOf(RUNNER_PREFIX, run);
    const connection = { ...options.database, applicationName };
    const client = await connectDirect(connection, options.lockTimeoutMs);
    try {
      await waitForLock(client, options);
      await clearLeftovers(client, run);
      return new RunnerLock(client, run, applicationName);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  /** @throws PH5004 when the connection that holds the lock is gone: another runner may have it. */
  async ensureHeld(): Promise<void> {
    await this.withHeld((client) => client.query('SELECT 1'));
  }

  /** Runs something on the connection that holds the lock, which tells that it is held. @throws PH5004 as `ensureHeld` does. */
  async withHeld<T>(body: (client: Connection) => Promise<T>): Promise<T> {
    try {
      if (!this.#lost) return await body(this.client);
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      this.#lose();
    }
    throw new PhaseError('PH5004', { during: 'the run: the connection that holds the lock is gone' });
  }

  async release(): Promise<void> {
    this.#listeners.clear();
    await this.client.end().catch(() => undefined);
  }
}

/** A session that keeps what it locks. @throws PH2010 behind a transaction pooler. */
export async function connectDirect(connection: ConnectionOptions, lockTimeoutMs: number): Promise<Connection> {
  const client = await connect(connection);
  try {
    await ensureDirect(client, connection);
    await prepareSession(client, lockTimeoutMs, 'pinned');
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

async function waitForLock(client: Queryable, { waitMs, onWait }: LockOptions): Promise<void> {
  const began = Date.now();
  for (let polls = 0; ; polls++) {
    const { locked } = await one<{ locked: boolean }>(client, `SELECT pg_try_advisory_lock(${LOCK}) AS locked`);
    if (locked) return;
    const waited = Date.now() - began;
    if (polls % Math.round(1_000 / POLL_MS) === 0 || waited >= waitMs) {
      const { holder, stranger } = await holderOf(client);
      if (waited >= waitMs) {
        const details = { holder, waited: `${Math.round(waited / 1_000)} s` };
        throw new PhaseError('PH4001', stranger === null ? details : { ...details, stranger });
      }
      onWait(holder);
    }
    await sleep(Math.min(POLL_MS, waitMs));
  }
}

/** Whether somebody holds the lock now: runs, or is about to. */
export async function isLockHeld(db: Queryable): Promise<boolean> {
  const held = await all(
    db,
    `SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (l.classid, l.objid) = (${LOCK.split(',')[0]}::oid, ${LOCK.split(',')[1]}::oid)`,
  );
  return held.length > 0;
}

interface Holder {
  /** In words. */
  readonly holder: string;
  /** A session of another role than one's own: anybody who may connect can take the lock. */
  readonly stranger: { readonly pid: number; readonly role: string } | null;
}

async function holderOf(db: Queryable): Promise<Holder> {
  const [row] = await all<{ pid: number; name: string; role: string; isOther: boolean; since: string }>(
    db,
    `SELECT a.pid, a.application_name AS name, a.usename AS role, a.usesysid <> (SELECT usesysid FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS "isOther",
       to_char(extract(epoch FROM now() - a.backend_start), 'FM999999990') AS since
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (l.classid, l.objid) = (${LOCK.split(',')[0]}::oid, ${LOCK.split(',')[1]}::oid)`,
  );
  if (row === undefined) return { holder: 'one that has just gone', stranger: null };
  const { pid, name, role, isOther, since } = row;
  return {
    holder: `pid ${pid} (${name}) of role ${role}, connected for ${since} s`,
    stranger: isOther ? { pid, role } : null,
  };
}

/** What a killed runner left in the server (a concurrent index build, say) is waited for, then ended. */
async function clearLeftovers(client: Queryable, run: string): Promise<void> {
  const until = Date.now() + LEFTOVER_PATIENCE_MS;
  for (;;) {
    const left = await all<{ pid: number }>(
      client,
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
         AND usesysid = (SELECT usesysid FROM pg_stat_activity WHERE pid = pg_backend_pid())
         AND application_name LIKE '${RUNNER_PREFIX} %' AND application_name NOT LIKE $1
         AND (state <> 'idle' OR xact_start IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = pg_stat_activity.pid AND l.locktype = 'advisory' AND NOT l.granted)
         AND query NOT LIKE '%pg_try_advisory_lock%'`,
      [`${RUNNER_PREFIX} ${run} %`],
    );
    if (left.length === 0) return;
    if (Date.now() > until) {
      await client.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [
        left.map(({ pid }) => pid),
      ]);
    }
    await sleep(POLL_MS);
  }
}

/**
 * Whether a pooler shares server
 * connections between transactions shows when a second client gets the first one's process.
 */
async function ensureDirect(client: pg.Client, options: ConnectionOptions): Promise<void> {
  if (await isDirect(client)) return;
  for (let round = 0; round < 5; round++) {
    const mine = await backendPid(client);
    const other = await withConnection({ ...options, applicationName: 'phase pooler check' }, backendPid);
    if (other === mine || (await backendPid(client)) !== mine) throw new PhaseError('PH2010', {});
  }
}

async function backendPid(db: Queryable): Promise<number> {
  return (await one<{ pid: number }>(db, 'SELECT pg_catalog.pg_backend_pid() AS pid')).pid;
}
