import type { Readable } from 'node:stream';
import type { Knex } from 'knex';
import { syncsOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Mapping } from '../domain/mapping.ts';
import type { Move } from '../domain/move.ts';
import { type Rename, syncTriggers, wholeOf } from '../domain/rename.ts';
import type { RunProgress } from '../domain/run-progress.ts';
import type { RunSettings } from '../domain/run-settings.ts';
import { type Audit, listAudits } from '../ledger/audits.ts';
import type { Connection } from '../postgres/connection.ts';
import { connectionOf } from '../postgres/knex.ts';
import { type LockPatience, withLockRetries } from '../postgres/retry.ts';
import { underOwnNames, unpin } from '../postgres/session.ts';
import { dataChange } from './audit/data-change.ts';
import type { DataChangeTools } from './audit/recorder.ts';
import type { DataChangeRequest, DataChangeResult } from './audit/request.ts';
import { type RestoreRequest, restoreFrom } from './audit/restore.ts';
import { openAudit } from './audit/stored.ts';
import { AuditTrail, type TrailOwner } from './audit/trail.ts';
import { type BackfillRequest, type BackfillResult, runBackfill } from './backfill/run.ts';
import { recordSummary } from './backfill/summary.ts';
import { type BatchBody, type InBatchesRequest, runInBatches } from './in-batches.ts';
import { type CheckedCall, ensureFunction, ensureRequest } from './requests.ts';
import { type Steering, steer } from './steering.ts';

/** What a migration or a task can do to data: the second argument of its function. */
export interface WorkContext {
  /**
   * Writes a value into every row that still needs it, in batches, from where an earlier try stopped. Not in a
   * transaction.
   */
  backfill(request: BackfillRequest): Promise<{ readonly rows: number }>;
  /** Hands rows to code in batches, each row once, from where an earlier try stopped. Not in a transaction. */
  inBatches(request: InBatchesRequest, body: BatchBody): Promise<{ readonly rows: number }>;
  /** Writes down what was there, changes it, and writes down what is there then: in the migration's transaction, else in one of its own. */
  dataChange(name: string, request: DataChangeRequest): Promise<DataChangeResult>;
  /** Takes a data change of this migration back, by what its audit holds. */
  restoreFrom(name: string, request: RestoreRequest): Promise<DataChangeResult>;
  /** Reads an earlier audit, of any migration or task, verified: the CSV of what it holds. */
  readAudit(file: string): Promise<{ readonly audit: Audit; readonly csv: Readable }>;
  /** Tells whoever watches the run. */
  log(message: string): void;
}

export interface WorkOptions extends TrailOwner {
  readonly kind: 'migration' | 'task';
  /** Id of the migration, or name of the task. */
  readonly name: string;
  readonly toolVersion: string;
  /** What numbers the backfills of this owner: up, down or run. */
  readonly direction: string;
  /** Of a task's run, which has a row from its beginning; else one is written when it is needed. */
  readonly steering?: Steering;
  readonly runSettings: RunSettings;
  readonly patience: LockPatience;
  /** Of the migration: a transaction, or not. */
  readonly knex: Knex;
  /** Not in a transaction, and under our own search path; so are those that `connect` gives. */
  readonly db: Connection;
  connect(): Promise<Connection>;
  /** Opens one that only asks what came of a transaction; left out: as `connect` does. */
  ask?(): Promise<Connection>;
  onProgress(progress: RunProgress): void;
  onNotice(message: string): void;
  onLog(message: string): void;
  /** A table that is gone through in batches. */
  onTable?(table: string): void;
  /** Those of the project, whose triggers leave a row as it is when both columns hold the same. */
  readonly renames?: readonly Rename[];
  readonly mappings?: readonly Mapping[];
  readonly moves?: readonly Move[];
  /** The name of the rename that a migration is a step of. */
  readonly ownRename?: string | undefined;
  /** A backfill is complete. */
  onFilled?(result: BackfillResult): Promise<void>;
}

/** The work of one try of a migration, or of one run of a task. */
export class Work {
  readonly #options: WorkOptions;
  readonly #trail: AuditTrail;
  #steering: Steering | null;
  #parts = 0;
  readonly #going = new Map<Promise<unknown>, string>();

  constructor(options: WorkOptions) {
    this.#options = options;
    this.#steering = options.steering ?? null;
    this.#trail = new AuditTrail(options);
  }

  get context(): WorkContext {
    const checked = <T>(call: CheckedCall, request: unknown, body: () => Promise<T>): Promise<T> =>
      this.#tracked(call, () => {
        ensureRequest(call, request);
        return body();
      });
    return {
      backfill: (request) => checked('backfill', request, () => this.#backfill(request)),
      inBatches: (request, body) => checked('inBatches', request, () => this.#inBatches(request, body)),
      dataChange: (name, request) =>
        checked('dataChange', request, () => this.#change((tools) => dataChange(name, request, tools))),
      restoreFrom: (name, request) =>
        checked('restoreFrom', request, () => this.#change((tools) => restoreFrom(name, request, tools))),
      readAudit: (file) => this.#tracked('readAudit', () => this.#readAudit(file)),
      log: (message) => this.#options.onLog(message),
    };
  }

  /**
   * The code has ended, and so has all that it began.
   * @throws PH5022 when something that it began was still going on: it is waited for, and must not be committed.
   */
  async ensureEnded(): Promise<void> {
    const left = [...this.#going];
    if (left.length === 0) return;
    await Promise.allSettled(left.map(([promise]) => promise));
    throw new PhaseError('PH5022', { name: this.#options.name, calls: [...new Set(left.map(([, call]) => call))] });
  }

  /** Remembers what is going on, so that a forgotten await is found. */
  #tracked<T>(call: string, body: () => Promise<T>): Promise<T> {
    const promise = (async () => body())();
    this.#going.set(promise, call);
    const ended = (): void => void this.#going.delete(promise);
    // Also handles a rejection that nobody waits for; who does wait still sees it.
    promise.then(ended, ended);
    return promise;
  }

  /** After the transaction has committed, or the whole is done. */
  async succeeded(): Promise<void> {
    await this.#trail.publish();
    await this.#steering?.end('done');
  }

  async failed(error: { readonly code: string; readonly message: string }): Promise<void> {
    await this.#trail.conclude(error);
    await this.#steering?.end(error.code === 'PH5014' ? 'cancelled' : 'failed', error);
  }

  async #backfill(request: BackfillRequest): Promise<{ rows: number }> {
    this.#ensureNoTransaction('backfill');
    this.#options.onTable?.(request.table);
    const part = this.#nextPart();
    const {
      owner,
      db,
      patience,
      onProgress,
      onNotice,
      onFilled,
      renames = [],
      mappings = [],
      moves = [],
    } = this.#options;
    const syncs = [...renames, ...mappings, ...moves].flatMap(syncsOf);
    const connect = () => this.#connect();
    const { side, control, throttle } = await this.#steer();
    const result = await this.#underItsNames(() =>
      runBackfill(request, {
        ...{ owner, part, db, side, connect, patience, control, throttle, onProgress, onNotice },
        ownTriggers: syncs.flatMap(({ sync }) => [...syncTriggers(sync, 1), ...syncTriggers(sync, 2)]),
        renames: renames.filter((rename) => wholeOf(rename) !== this.#options.ownRename),
        mappings: mappings.filter(({ name }) => name !== this.#options.ownRename),
        moves: moves.filter(({ name }) => name !== this.#options.ownRename),
        finish: (done) => recordSummary(this.#asking, this.#options, { part, ...done }),
      }),
    );
    await onFilled?.(result);
    return { rows: result.rows };
  }

  async #inBatches(request: InBatchesRequest, body: BatchBody): Promise<{ rows: number }> {
    ensureFunction('inBatches', body);
    this.#ensureNoTransaction('inBatches');
    this.#options.onTable?.(request.table);
    const part = this.#nextPart();
    const { owner, knex, db, patience, onProgress } = this.#options;
    const { control, throttle } = await this.#steer();
    const tools = { owner, part, knex, db, patience, control, throttle, onProgress };
    return this.#underItsNames(() => runInBatches(request, body, tools));
  }

  #nextPart(): string {
    this.#parts++;
    return `${this.#options.direction} ${this.#parts}`;
  }

  async #steer(): Promise<Steering> {
    this.#steering ??= await steer(this.#options);
    return this.#steering;
  }

  /** In the migration's transaction, else in one of its own that is tried again when others were in its way. */
  async #change<T>(body: (tools: DataChangeTools) => Promise<T>): Promise<T> {
    const { knex, db, patience, name } = this.#options;
    if (knex.isTransaction === true) {
      const own = await connectionOf(knex as Knex.Transaction);
      return body(this.#toolsFor(own, this.#trail));
    }
    const hooks = { blockers: () => [] };
    return withLockRetries(name, patience, hooks, () => {
      const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ';
      return this.#underItsNames(() =>
        AuditTrail.during(this.#asking, this.#options, (trail) => body(this.#toolsFor(db, trail)), begin),
      );
    });
  }

  /** What the application wrote, and its triggers, find their names by the search path of the role. */
  #underItsNames<T>(body: () => Promise<T>): Promise<T> {
    return underOwnNames(this.#options.db, body);
  }

  get #asking(): { readonly db: Connection; connect(): Promise<Connection> } {
    const { db, connect, ask = connect } = this.#options;
    return { db, connect: ask };
  }

  async #connect(): Promise<Connection> {
    const client = await this.#options.connect();
    await unpin(client);
    return client;
  }

  #toolsFor(db: Connection, trail: AuditTrail): DataChangeTools {
    const { owner, run, settings, onNotice } = this.#options;
    return { db, trail, owner, run, settings, onNotice, open: (audit) => this.#open(audit) };
  }

  async #readAudit(file: string): Promise<{ audit: Audit; csv: Readable }> {
    const [audit] = await listAudits(this.#options.db, { file });
    if (audit === undefined) {
      throw new PhaseError('PH3016', { file, reason: 'The ledger of this database lists no audit of that name.' });
    }
    return { audit, csv: await this.#open(audit) };
  }

  /** On a connection of its own: the other one may be in the middle of a COPY that reads it. */
  async #open(audit: Audit): Promise<Readable> {
    const client = await this.#options.connect();
    const end = (): void => void client.end().catch(() => undefined);
    try {
      const csv = await openAudit(client, this.#options.root, audit);
      csv.once('close', end);
      return csv;
    } catch (error) {
      end();
      throw error;
    }
  }

  #ensureNoTransaction(what: string): void {
    const { knex, name } = this.#options;
    if (knex.isTransaction !== true) return;
    const reason = `${what} commits after each batch, so the migration needs config = { transaction: false, safeToRepeat: true }.`;
    throw new PhaseError('PH5005', { id: name, file: name, reason });
  }
}
