import { PassThrough, pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type pg from 'pg';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { one, type Queryable } from '../../postgres/queryable.ts';
import { Redaction } from './csv.ts';
import { estimateChange } from './estimate.ts';
import { inAuditFormat } from './format.ts';
import { ensureKeys, ensureSameKeys, type KeyedRows } from './keys.ts';
import { loadCsv } from './load.ts';
import type { PartialFile } from './partial-file.ts';
import { type Audit, type AuditColumn, type AuditKind, auditKey, findAudit } from './record.ts';
import { copySource, cursorSource, type Statement } from './source.ts';
import type { AuditFacts, AuditSettings, AuditTrail } from './trail.ts';

/** SQL, or SQL with the values of its $1, $2 and so on. */
export type Query = string | { readonly sql: string; readonly values: readonly unknown[] };

/** A change of data and what is written down of it. */
export interface DataChangeRequest {
  /** The columns that tell rows apart; each query gives them. */
  readonly key?: string | readonly string[];
  /** A SELECT of what was there: the key, and the columns that move. */
  readonly pre?: Query;
  /** Any statement with RETURNING. Left out where the change itself is made in batches. */
  readonly change?: Query;
  /** A SELECT of what is there now, of the same rows: `pre_keys` is a table of the keys that pre gave. */
  readonly post?: Query;
  /** Columns of which only a digest is written, equal where the values are. */
  readonly redact?: readonly string[];
  /** `any` lifts the comparison of the keys. */
  readonly keys?: 'equal' | 'any';
  /** The queries sum up, such as by a count, and have no key. */
  readonly summary?: boolean;
}

/** Rows that each of the queries gave. */
export type DataChangeResult = Readonly<Record<AuditKind, number | null>>;

/** What a data change works with. */
export interface DataChangeTools {
  /** In a transaction of one snapshot: REPEATABLE READ or SERIALIZABLE. */
  readonly db: pg.Client;
  readonly trail: AuditTrail;
  readonly owner: string;
  readonly settings: AuditSettings;
  /** Opens an earlier audit, on another connection. @throws PH3016 */
  open(audit: Audit): Promise<Readable>;
  onNotice(message: string): void;
}

/** A request whose fields have one form. */
interface Plan {
  readonly name: string;
  readonly key: readonly string[];
  readonly pre: Statement | null;
  readonly change: Statement | null;
  readonly post: Statement | null;
  readonly redact: readonly string[];
  readonly keysRule: 'equal' | 'any';
  readonly isSummary: boolean;
}

/**
 * Writes down what was there, changes it, and writes down what is there then, in one snapshot; every query has the same
 * keys, or nothing has happened.
 * @throws PH5017 for a request that cannot be carried out, PH5018 when the keys do not fit, PH5011 when a file cannot be
 * written.
 */
export async function dataChange(
  name: string,
  request: DataChangeRequest,
  tools: DataChangeTools,
): Promise<DataChangeResult> {
  const plan = planOf(name, request);
  await ensureOneSnapshot(tools.db, name);
  const recorder = new Recorder(plan, tools, new Redaction(plan.redact, await auditKey(tools.db)));
  const result = await inAuditFormat(tools.db, () => recorder.run());
  recorder.ensureRedacted();
  return result;
}

/** @throws PH5017 */
function planOf(name: string, request: DataChangeRequest): Plan {
  const refuse = (reason: string): never => {
    throw new PhaseError('PH5017', { change: name, reason });
  };
  const { pre, change, post, redact = [], keys = 'equal', summary = false } = request;
  const key = request.key === undefined ? [] : [request.key].flat();
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}$/.test(name))
    refuse('Its name is part of a file name: letters, digits, _, . and -.');
  if (pre === undefined && change === undefined && post === undefined) refuse('It has none of pre, change and post.');
  if (change === undefined && pre !== undefined && post !== undefined) {
    refuse(
      'Without a change there is nothing between pre and post: give them in two calls, and make the change between them.',
    );
  }
  if (summary && (change !== undefined || key.length > 0)) refuse('A summary has neither key nor change.');
  if (!summary && key.length === 0)
    refuse('It has no key, so rows cannot be told apart; a count and the like has summary: true.');
  const hidden = key.filter((column) => redact.includes(column));
  if (hidden.length > 0)
    refuse(`The key ${hidden.join(', ')} cannot be redacted: rows are compared by it. Choose another key.`);
  const statement = (query: Query | undefined): Statement | null =>
    query === undefined
      ? null
      : typeof query === 'string'
        ? { sql: trimmed(query), values: [] }
        : { sql: trimmed(query.sql), values: query.values };
  return {
    name,
    key,
    pre: statement(pre),
    change: statement(change),
    post: statement(post),
    redact,
    keysRule: keys,
    isSummary: summary,
  };
}

/** Without the semicolon that people end statements with: it becomes part of another one. */
const trimmed = (sql: string): string => sql.replace(/[;\s]+$/, '');

async function ensureOneSnapshot(db: Queryable, change: string): Promise<void> {
  const { level } = await one<{ level: string }>(db, `SELECT current_setting('transaction_isolation') AS level`);
  if (level === 'repeatable read' || level === 'serializable') return;
  const reason = `It runs in ${level.toUpperCase()}, where each query sees another state of the database; leave isolation out of the migration's config.`;
  throw new PhaseError('PH5017', { change, reason });
}

/** Carries out one plan. */
class Recorder {
  readonly #plan: Plan;
  readonly #tools: DataChangeTools;
  readonly #redaction: Redaction;
  readonly #seen = new Set<string>();
  #advised = false;
  readonly #result: Record<AuditKind, number | null> = { pre: null, change: null, post: null };

  constructor(plan: Plan, tools: DataChangeTools, redaction: Redaction) {
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
      await this.#inOneCall(pre, change, post);
    } else if (pre !== null) {
      await this.#before(pre);
    } else if (post !== null) {
      await this.#after(post);
    }
    await this.#tools.db.query(
      'DROP TABLE IF EXISTS pg_temp.pre_keys, pg_temp.change_keys, pg_temp.phase_pre, pg_temp.phase_change, pg_temp.phase_post',
    );
    return this.#result;
  }

  /** @throws PH5017 when a column to be redacted is in none of the results. */
  ensureRedacted(): void {
    const missing = this.#plan.redact.filter((column) => !this.#seen.has(column));
    if (missing.length === 0) return;
    const reason = `redact names ${missing.join(', ')}, which no query gives.`;
    throw new PhaseError('PH5017', { change: this.#plan.name, reason });
  }

  async #inOneCall(pre: Statement | null, change: Statement, post: Statement | null): Promise<void> {
    this.#advise(await estimateChange(this.#tools.db, change), true);
    if (pre !== null) {
      await this.#collect('pre', pre);
      await this.#keep('pre_keys', 'phase_pre');
      await this.#write('pre', { sql: 'TABLE pg_temp.phase_pre', values: [] });
    }
    const file = await this.#write('change', change, true);
    this.#advise(this.#result.change ?? 0, false);
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
  async #write(kind: AuditKind, statement: Statement, isChange = false): Promise<Written> {
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
    const { file, rows } = await trail.write(db, facts, source);
    const columns = await source.columns();
    for (const { name: column } of columns) this.#seen.add(column);
    this.#result[kind] = rows;
    return { columns, csv: () => csvOf(file, settings.gzip) };
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

interface Written {
  readonly columns: readonly AuditColumn[];
  /** The CSV, as long as the transaction is open. */
  csv(): Readable;
}

function csvOf(file: PartialFile, gzip: boolean): Readable {
  return pipeline(file.read(), gzip ? createGunzip() : new PassThrough(), () => undefined);
}
