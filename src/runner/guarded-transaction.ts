import type { Knex } from 'knex';
import type pg from 'pg';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { MARK } from '../ledger/marked.ts';
import type { BlockerWatch } from '../postgres/blockers.ts';
import { codeOf, isConnectionLost, sqlState } from '../postgres/errors.ts';
import { withKeptPlans } from '../postgres/kept-plans.ts';
import { connectionOf } from '../postgres/knex.ts';
import { withKnownOutcome } from '../postgres/outcome.ts';
import { type LedgerDb, one, type Queryable } from '../postgres/queryable.ts';
import type { Session } from './session.ts';
import { Standstill } from './standstill.ts';

/**
 * How long the server waits for the next statement before it ends the transaction and gives its locks free, in milliseconds. Our own steps
 * think before they lock, and never for longer than a client of the application is made to wait for a lock; what others wrote may compute in between.
 */
const PATIENCE_WITH_US = { rename: 500, schema: 30_000, data: 300_000 };

/** The server counts from its last answer, which may be this long before the process stood still, in milliseconds. */
const BEFORE_STANDSTILL_MS = 200;

export interface GuardedTry {
  readonly entry: OrderedMigration;
  readonly isolation: Knex.IsolationLevels;
  readonly watch: BlockerWatch;
  /** Tries before this one that stood still for too long. */
  readonly stalls: number;
}

export interface GuardedWork {
  body(trx: Knex.Transaction): Promise<void>;
  /**
   * Says in the ledger that it ran, where the transaction still bears its mark: then both commit together.
   * @returns the number of the transaction; null where it is another one.
   */
  record(db: LedgerDb, mark: string): Promise<string | null>;
}

/**
 * Runs a migration's transaction: it waits for locks as long as is configured, holds none while its process stands still,
 * and what came of it is known also where the answer to its COMMIT is lost.
 * @throws PH5010 when the migration has ended the transaction that it was given, PH5024, PH5026 when it stood still for too long.
 */
export async function guardedTransaction(
  session: Session,
  { entry, isolation, watch, stalls }: GuardedTry,
  { body, record }: GuardedWork,
): Promise<void> {
  await withKnownOutcome(session.ask, async (beforeCommit) => {
    const idle = new IdleEnd(patienceWith(session, entry, stalls));
    const transaction = async (trx: Knex.Transaction): Promise<void> => {
      const db = await connectionOf(trx);
      idle.listen(db);
      await begin(session, db, { patienceMs: idle.patienceMs, watch });
      await (isStep(entry) ? withKeptPlans(db, () => body(trx)) : body(trx));
      const number = await record(db, session.lock.run);
      if (number === null) throw new PhaseError('PH5010', { id: entry.id });
      await beforeCommit(db, number);
    };
    try {
      await session.knex.transaction(transaction, { isolationLevel: isolation });
    } catch (error) {
      throw idle.explain(error, entry);
    } finally {
      idle.stop();
    }
  });
}

const isStep = ({ rename, kind }: OrderedMigration): boolean => rename !== undefined && kind === 'schema';

/** Twice as long after each try that stood still: a machine may simply be slow. */
function patienceWith({ options }: Session, entry: OrderedMigration, stalls: number): number {
  const patience = Math.max(
    options.project.config.lockTimeout,
    PATIENCE_WITH_US[isStep(entry) ? 'rename' : entry.kind],
  );
  return Math.max(patience, Math.min(patience * 2 ** stalls, PATIENCE_WITH_US.schema));
}

async function begin(
  { options, lock }: Session,
  db: Queryable,
  { patienceMs, watch }: { readonly patienceMs: number; readonly watch: BlockerWatch },
): Promise<void> {
  const { pid } = await one<{ pid: number }>(
    db,
    `SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.set_config('lock_timeout', $1, true),
       pg_catalog.set_config('idle_in_transaction_session_timeout', $2, true), pg_catalog.set_config('${MARK}', $3, true)`,
    [options.project.config.lockTimeout, patienceMs, lock.run].map(String),
  );
  watch.watch(pid);
}

/**
 * The server says why it ends an idle transaction between two statements; the next one learns only that the connection is gone. A process that writes before it reads, when it goes
 * on, does not even get to know why: it can tell by having stood still for so long.
 */
class IdleEnd {
  readonly patienceMs: number;
  readonly #standstill = new Standstill();
  #db: pg.Client | null = null;
  #reason: Error | null = null;
  readonly #onError = (error: Error): void => {
    if (codeOf(error) === sqlState.idleInTransaction) this.#reason = error;
  };

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs;
  }

  listen(db: pg.Client): void {
    this.#db = db;
    db.on('error', this.#onError);
  }

  /** A step of a rename may be tried again, since nothing of it has happened; what others wrote would stand still again. */
  explain(error: unknown, entry: OrderedMigration): unknown {
    if (!isConnectionLost(error)) return error;
    const reason = this.#reason ?? this.#ownReason(error);
    if (reason === null) return error;
    if (isStep(entry)) return reason;
    return new PhaseError('PH5026', { id: entry.id, seconds: this.patienceMs / 1_000 }, { cause: reason });
  }

  #ownReason(cause: unknown): Error | null {
    if (this.#standstill.longestMs < this.patienceMs - BEFORE_STANDSTILL_MS) return null;
    const message = 'the process stood still for longer than the server waits for the next statement';
    return Object.assign(new Error(message, { cause }), { code: sqlState.idleInTransaction });
  }

  stop(): void {
    this.#standstill.stop();
    this.#db?.off('error', this.#onError);
  }
}
