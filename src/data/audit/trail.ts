import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type pg from 'pg';
import {
  type AuditColumn,
  type AuditKind,
  type AuditStore,
  hasAudit,
  type NewAudit,
  recordAudit,
  storeChunk,
} from '../../ledger/audits.ts';
import type { Connection } from '../../postgres/connection.ts';
import { isOutcomeUnknown, withKnownOutcome } from '../../postgres/outcome.ts';
import { type LedgerDb, one, type Queryable } from '../../postgres/queryable.ts';
import { inTransaction } from '../../postgres/transaction.ts';
import { folders } from '../../project/folders.ts';
import { PartialFile } from './partial-file.ts';

/** How audits are kept. */
export interface AuditSettings {
  readonly store: AuditStore;
  readonly gzip: boolean;
  /** A change of more rows is advised to be made in batches. */
  readonly smallChange: number;
}

/** Whose audits they are, and where they go. */
export interface TrailOwner {
  /** The project's folder. */
  readonly root: string;
  readonly settings: AuditSettings;
  /** Id of the migration, or name and number of a task's run. */
  readonly owner: string;
  /** The run of phase. */
  readonly run: string;
  readonly ticket: string | null;
}

/** The content of an audit: CSV with its header, and what is known of it once it was read. */
export interface AuditSource {
  readonly bytes: AsyncIterable<Buffer | string>;
  /** After the bytes were read. */
  rows(): number;
  columns(): Promise<readonly AuditColumn[]>;
  /** The command that it was; null for a query. */
  command(): string | null;
}

export type AuditFacts = Pick<NewAudit, 'name' | 'kind' | 'key' | 'redacted' | 'keysRule' | 'isSummary'> &
  Partial<Pick<NewAudit, 'along'>>;

/** An audit that was written, and stands in the ledger under its number. */
export interface WrittenFile {
  readonly file: PartialFile;
  readonly rows: number;
  readonly number: string;
}

/**
 * The audits of one transaction. Their files are complete and on the disk before it commits, and get their names after
 * it has; where it does not commit, nothing of them is left.
 */
export class AuditTrail {
  readonly #owner: TrailOwner;
  readonly #files: PartialFile[] = [];
  #transit: string | null = null;

  constructor(owner: TrailOwner) {
    this.#owner = owner;
  }

  /**
   * A transaction of its own for a change and its audits.
   * @param connect opens another connection, to ask what came of it where the answer to the COMMIT is lost.
   * @param body is handed the trail that its audits go to.
   * @throws PH5024 when that cannot be told.
   */
  static async during<T>(
    { db, connect }: { readonly db: pg.Client; connect(): Promise<pg.Client> },
    owner: TrailOwner,
    body: (trail: AuditTrail) => Promise<T>,
    begin = 'BEGIN',
  ): Promise<T> {
    const trail = new AuditTrail(owner);
    const results: T[] = [];
    try {
      await withKnownOutcome(connect, (beforeCommit) =>
        inTransaction(
          db,
          async () => {
            results.push(await body(trail));
            await beforeCommit(db);
          },
          begin,
        ),
      );
    } catch (error) {
      await trail.conclude(error);
      throw error;
    }
    await trail.publish();
    return results[0] as T;
  }

  /** Whether this run has written an audit of that name already. */
  async has(db: LedgerDb, name: string, kind: AuditKind): Promise<boolean> {
    const { owner, run } = this.#owner;
    return hasAudit(db, { owner, run, name, kind });
  }

  /**
   * Writes one audit and enters it in the ledger.
   * @param db the connection of the change's transaction.
   * @returns a stream of the CSV as long as the transaction is open.
   * @throws PH5011 when the file system refuses.
   */
  async write(db: Connection, facts: AuditFacts, source: AuditSource): Promise<WrittenFile> {
    const { settings, root, owner, run, ticket } = this.#owner;
    const shown = await this.#pathOf(db, facts);
    // On its way into the database it needs a place that can be written to, which the project's folder may not be.
    const place = settings.store === 'files' ? root : await this.#transitFolder();
    const file = new PartialFile(join(place, shown), shown);
    this.#files.push(file);
    await file.write(Readable.from(source.bytes, { objectMode: false }), settings.gzip);
    const rows = source.rows();
    const number = await recordAudit(db, {
      along: null,
      ...facts,
      owner,
      run,
      ticket,
      rows,
      store: settings.store,
      gzip: settings.gzip,
      file: shown,
      bytes: file.bytes,
      sha256: file.sha256,
      columns: await source.columns(),
      command: facts.kind === 'change' ? source.command() : null,
    });
    if (settings.store === 'database') await this.#storeChunks(db, number, file);
    return { file, rows, number };
  }

  /** After the transaction has committed. */
  async publish(): Promise<void> {
    const isFile = this.#owner.settings.store === 'files';
    for (const file of this.#files.splice(0)) await (isFile ? file.publish() : file.discard());
    if (!isFile) await this.#leave();
  }

  /** After it has failed: where it may have been committed all the same, the next run looks, and until then nothing goes. */
  async conclude(error: unknown): Promise<void> {
    if (isOutcomeUnknown(error)) await this.#keep();
    else await this.discard();
  }

  /** Those on their way into the database are there or not. */
  async #keep(): Promise<void> {
    if (this.#owner.settings.store === 'database') await this.#leave();
  }

  /** After it was rolled back. */
  async discard(): Promise<void> {
    for (const file of this.#files.splice(0)) await file.discard();
    if (this.#owner.settings.store === 'database') await this.#leave();
  }

  /** Nothing is kept where audits are on their way into the database; what the system does not let go changes nothing of what was committed. */
  async #leave(): Promise<void> {
    const folder = this.#transit;
    this.#transit = null;
    if (folder !== null) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }

  /** A folder that nobody else can have made before, nor look into. */
  async #transitFolder(): Promise<string> {
    this.#transit ??= await mkdtemp(join(tmpdir(), 'triphase-'));
    return this.#transit;
  }

  async #pathOf(db: Queryable, { name, kind }: AuditFacts): Promise<string> {
    const { database } = await one<{ database: string }>(db, 'SELECT current_database() AS database');
    const { owner, run, settings } = this.#owner;
    const [task = '', number] = owner.split('#');
    const folder = number === undefined ? [owner, run] : [task, `${number}-${run}`];
    const file = `${name}.${kind}.csv${settings.gzip ? '.gz' : ''}`;
    return join(folders.audits, ...[database, ...folder, file].map(pathPart));
  }

  async #storeChunks(db: LedgerDb, audit: string, file: PartialFile): Promise<void> {
    let number = 0;
    for await (const chunk of file.read()) {
      await storeChunk(db, audit, number++, chunk);
    }
  }
}

/** A name as one part of a path: nothing in it leads elsewhere. */
function pathPart(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9._-]/g, (character) =>
    encodeURIComponent(character).replaceAll(/[*'()!~]/g, '_'),
  );
  return safe.replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
}
