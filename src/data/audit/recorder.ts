import { PassThrough, pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { type Audit, type AuditColumn, type AuditKind, findAudit, recordBeyond } from '../../ledger/audits.ts';
import type { Connection } from '../../postgres/connection.ts';
import { underQualifiedNames } from '../../postgres/session.ts';
import { dropAlong, forgetUntouched } from './along.ts';
import type { Redaction } from './csv.ts';
import { inWords, isCounting } from './effects.ts';
import { expectedChange } from './estimate.ts';
import { ensureKeys, ensureSameKeys, type KeyedRows } from './keys.ts';
import { loadCsv } from './load.ts';
import type { PartialFile } from './partial-file.ts';
import type { DataChangePlan, DataChangeResult } from './request.ts';
import { SideEffects } from './side-effects.ts';
import { copySource, cursorSource, type Statement } from './source.ts';
import type { AuditFacts, AuditSettings, AuditTrail } from './trail.ts';

/** What a data change works with. */
export interface DataChangeTools {
  /** In a transaction of one snapshot: REPEATABLE READ or SERIALIZABLE. */
  readonly db: Connection;
  readonly trail: AuditTrail;
  readonly owner: string;
  /** The run of phase. */
  readonly run: string;
  readonly settings: AuditSettings;
  /** Opens an earlier audit, on another connection. @throws PH3016 */
  open(audit: Audit): Promise<Readable>;
  onNotice(message: string): void;
}

/** Carries out one plan. */
export class Recorder {
  readonly #plan: DataChangePlan;
  readonly #tools: DataChangeTools;
  readonly #redaction: Redaction;
  readonly #seen = new Set<string>();
  #advised = false;
  readonly #result: Record<AuditKind, number | null> = { pre: null, change: null, post: null };

  constructor(plan: DataChangePlan, tools: DataChangeTools, redaction: Redaction) {
    this.#plan = plan;
    this.#tools = tools;
    this.#redaction = redaction;
  }

  async run(): Promise<DataChangeResult> {
    const { pre, change, post, isSummary } = this.#plan;
    if (isSummary) {
      if (pre !== null) await this.#write('pre', pre);
      if (post !== null) await this.#write('post', post);
    } else if (change !== null) {
      if (!(await this.#isMade())) await this.#inOneCall(pre, change, post);
    } else if (pre !== null) {
      await this.#before(pre);
    } else if (post !== null) {
      await this.#after(post);
    }
    await this.#tools.db.query(
      'DROP TABLE IF EXISTS pg_temp.pre_keys, pg_temp.change_keys, pg_temp.phase_pre, pg_temp.phase_change, pg_temp.phase_post',
    );
    await dropAlong(this.#tools.db);
    return this.#result;
  }

  /** @throws PH5017 when a column to be redacted is in none of the results. */
  ensureRedacted(): void {
    const missing = this.#plan.redact.filter((column) => !this.#seen.has(column));
    if (missing.length === 0) return;
    const reason = `redact names ${missing.join(', ')}, which no query gives.`;
    throw new PhaseError('PH5017', { change: this.#plan.name, reason });
  }

  /**
   * Whether an earlier try has made the change: its audit committed together with it. A migration that is safe to repeat
   * and failed after it does not make it again, which would hide what was there before.
   */
  async #isMade(): Promise<boolean> {
    const { db, owner, run, onNotice } = this.#tools;
    const { name } = this.#plan;
    const earlier = await findAudit(db, owner, name, 'change');
    if (earlier === null || earlier.run === run) return false;
    onNotice(`${name} was made before (${earlier.file}), and is not made again.`);
    for (const kind of ['pre', 'change', 'post'] as const) {
      const audit = await findAudit(db, owner, name, kind);
      for (const { name: column } of audit?.columns ?? []) this.#seen.add(column);
      this.#result[kind] = audit?.rows ?? null;
    }
    return true;
  }

  async #inOneCall(pre: Statement | null, change: Statement, post: Statement | null): Promise<void> {
    const expected = await expectedChange(this.#tools.db, change);
    this.#advise(expected.rows, true);
    if (pre !== null) {
      await this.#collect('pre', pre);
      await this.#keep('pre_keys', 'phase_pre');
      await this.#write('pre', { sql: 'TABLE pg_temp.phase_pre', values: [] });
    }
    const effects = await SideEffects.expect(this.#tools.db, this.#plan, expected);
    const file = await this.#write('change', change, true);
    this.#advise(this.#result.change ?? 0, false);
    await underQualifiedNames(this.#tools.db, () => this.#writeAlong(effects));
    await this.#sayBeyond(effects, file.number);
    await loadCsv(this.#tools.db, 'phase_change', this.#columnsOf(file.columns), file.csv());
    const changed: KeyedRows = { from: 'pg_temp.phase_change', kind: 'change' };
    await ensureKeys(this.#tools.db, this.#plan.name, this.#plan.key, changed);
    await this.#keep('change_keys', 'phase_change');
    if (pre !== null) await this.#compare({ from: 'pg_temp.pre_keys', kind: 'pre' }, changed);
    if (post === null) return;
    await this.#collect('post', post);
    await this.#compare(pre === null ? changed : { from: 'pg_temp.pre_keys', kind: 'pre' }, {
      from: 'pg_temp.phase_post',
      kind: 'post',
    });
    await this.#write('post', { sql: 'TABLE pg_temp.phase_post', values: [] });
  }

  /** What foreign keys have taken along is a change of its own that is taken back like any other, after this one. */
  async #writeAlong({ along }: SideEffects): Promise<void> {
    const { db, trail } = this.#tools;
    for (const rows of along) {
      const { table, kept, key, columns, action } = rows;
      if ((await forgetUntouched(db, rows)) === 0) continue;
      const name = await this.#nameOfAlong(table);
      const facts = {
        name,
        key,
        redacted: [],
        keysRule: 'any',
        isSummary: false,
        along: { of: this.#plan.name, table },
      } as const;
      const given = (alias: string, list: readonly string[]): string =>
        list.map((one) => `${alias}.${quoteIdent(one)}`).join(', ');
      const shown = action === 'delete' ? '*' : [...new Set([...key, ...columns])].map(quoteIdent).join(', ');
      await trail.write(db, { ...facts, kind: 'pre' }, copySource(db, `SELECT ${shown} FROM pg_temp.${kept}`));
      const now = `SELECT t.* FROM ${table} AS t WHERE (${given('t', key)}) IN (SELECT ${given('k', key)} FROM pg_temp.${kept} AS k)`;
      await trail.write(db, { ...facts, kind: 'post' }, copySource(db, `SELECT ${shown} FROM (${now}) AS rows_now`));
    }
  }

  /** Several keys may lead to one table. */
  async #nameOfAlong(table: string): Promise<string> {
    const { db, trail } = this.#tools;
    const name = `${this.#plan.name}.${table.replaceAll(/[^A-Za-z0-9_.-]/g, '')}`;
    for (let n = 1; ; n++) {
      const free = n === 1 ? name : `${name}.${n}`;
      if (!(await trail.has(db, free, 'pre'))) return free;
    }
  }

  /** What triggers have done, say, stands in no audit: then at least it is said, now and when the change is taken back. */
  async #sayBeyond(effects: SideEffects, number: string): Promise<void> {
    const { db, onNotice } = this.#tools;
    if (!(await isCounting(db))) {
      onNotice(
        `Whether ${this.#plan.name} has also written other rows is not known: track_counts is off on this server.`,
      );
      return;
    }
    const beyond = await effects.beyond(this.#result.change ?? 0);
    if (beyond.length === 0) return;
    await recordBeyond(db, number, beyond);
    onNotice(`${this.#plan.name} has also written rows that are in no audit: ${inWords(beyond)}.`);
  }

  /**
   * What is there before a change in batches. Taken up again after a crash it keeps what was written first: by now a part
   * of the rows is changed.
   */
  async #before(pre: Statement): Promise<void> {
    const { db, owner, onNotice } = this.#tools;
    const { name, key } = this.#plan;
    const earlier = await findAudit(db, owner, name, 'pre');
    if (earlier !== null) {
      onNotice(`${earlier.file} was written before and is kept.`);
      for (const { name: column } of earlier.columns) this.#seen.add(column);
      this.#result.pre = earlier.rows;
      return;
    }
    await ensureKeys(db, name, key, { from: `(${pre.sql}\n) AS pre`, kind: 'pre', values: pre.values });
    await this.#write('pre', pre);
  }

  /** What is there after it, of the same rows as before it. */
  async #after(post: Statement): Promise<void> {
    const { db, owner, open } = this.#tools;
    const { name } = this.#plan;
    const pre = await findAudit(db, owner, name, 'pre');
    if (pre !== null && !pre.isSummary) {
      const columns = pre.columns.map((column) => this.#typed(pre, column));
      await loadCsv(db, 'phase_pre', columns, await open(pre));
      await this.#keep('pre_keys', 'phase_pre');
    } else if (/\bpre_keys\b/i.test(post.sql)) {
      throw new PhaseError('PH5017', {
        change: name,
        reason: 'post joins pre_keys, but no pre was written under this name.',
      });
    }
    await this.#collect('post', post);
    if (pre !== null && !pre.isSummary)
      await this.#compare({ from: 'pg_temp.pre_keys', kind: 'pre' }, { from: 'pg_temp.phase_post', kind: 'post' });
    await this.#write('post', { sql: 'TABLE pg_temp.phase_post', values: [] });
  }

  /** A redacted column holds digests, whatever its type was. */
  #typed({ redacted }: Pick<Audit, 'redacted'>, { name, type }: AuditColumn): AuditColumn {
    return { name, type: redacted.includes(name) ? 'text' : type };
  }

  #columnsOf(columns: readonly AuditColumn[]): AuditColumn[] {
    return columns.map((column) => this.#typed({ redacted: this.#plan.redact }, column));
  }

  /** Keeps the rows of a query in a temporary table: it runs once, whatever is asked of its rows. */
  async #collect(kind: 'pre' | 'post', { sql, values }: Statement): Promise<void> {
    const { db } = this.#tools;
    await db.query(`CREATE TEMP TABLE phase_${kind} ON COMMIT DROP AS ${sql}`, [...values]);
    await ensureKeys(db, this.#plan.name, this.#plan.key, { from: `pg_temp.phase_${kind}`, kind });
  }

  async #keep(table: string, from: string): Promise<void> {
    const columns = this.#plan.key.map(quoteIdent).join(', ');
    await this.#tools.db.query(`CREATE TEMP TABLE ${table} ON COMMIT DROP AS SELECT ${columns} FROM pg_temp.${from}`);
    await this.#tools.db.query(`ANALYZE pg_temp.${table}`);
  }

  async #compare(one: KeyedRows, other: KeyedRows): Promise<void> {
    if (this.#plan.keysRule === 'equal')
      await ensureSameKeys(this.#tools.db, this.#plan.name, this.#plan.key, [one, other]);
  }

  /** Through COPY where nothing has to be looked at, else by a cursor: the bytes are the same. */
  async #write(kind: AuditKind, statement: Statement, isChange = false): Promise<WrittenAudit> {
    const { db, trail, settings } = this.#tools;
    const { name, key, redact, keysRule, isSummary } = this.#plan;
    if (await trail.has(db, name, kind)) {
      throw new PhaseError('PH5017', {
        change: name,
        reason: `Another change of this migration has this name and a ${kind}.`,
      });
    }
    const passesThroughUs = isChange || statement.values.length > 0 || redact.length > 0 || isSummary;
    const source = passesThroughUs ? cursorSource(db, statement, this.#redaction) : copySource(db, statement.sql);
    const facts: AuditFacts = { name, kind, key, redacted: redact, keysRule, isSummary };
    const { file, rows, number } = await trail.write(db, facts, source);
    const columns = await source.columns();
    for (const { name: column } of columns) this.#seen.add(column);
    this.#result[kind] = rows;
    return { columns, number, csv: () => csvOf(file, settings.gzip) };
  }

  /** A customer cannot edit a released migration, so it is said and not refused. */
  #advise(rows: number, isEstimate: boolean): void {
    const { smallChange } = this.#tools.settings;
    if (rows <= smallChange || this.#advised) return;
    this.#advised = true;
    this.#tools.onNotice(
      `${this.#plan.name} changes ${isEstimate ? 'about ' : ''}${Math.round(rows)} rows in one transaction (smallChange is ${smallChange}), which keeps them locked until it ends. ` +
        'Write pre and post in two calls without change, and the change between them by backfill({ table, set, where }) or inBatches.',
    );
  }
}

interface WrittenAudit {
  /** Of the ledger. */
  readonly number: string;
  readonly columns: readonly AuditColumn[];
  /** The CSV, as long as the transaction is open. */
  csv(): Readable;
}

function csvOf(file: PartialFile, gzip: boolean): Readable {
  return pipeline(file.read(), gzip ? createGunzip() : new PassThrough(), () => undefined);
}
