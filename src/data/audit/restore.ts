import type { Readable } from 'node:stream';
import type pg from 'pg';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { dataChange } from './data-change.ts';
import { loadCsv } from './load.ts';
import { type Audit, findAudit } from './record.ts';
import type { DataChangeTools } from './recorder.ts';
import type { DataChangeResult } from './request.ts';

/** How a change is taken back from its audit. */
export interface RestoreRequest {
  /** The table that the change was made on, as in SQL. */
  readonly table: string;
  /**
   * Rows that somebody has changed since: `stop` (the default) refuses the whole, `skip` leaves them as they are,
   * `overwrite` puts back what the audit holds.
   */
  readonly conflicts?: 'stop' | 'skip' | 'overwrite';
}

/** How many conflicts an error shows. */
const SHOWN = 5;

/**
 * Puts back what an audit says was there before a change: values that were changed, rows that were deleted; rows that
 * were inserted are deleted. It is a data change itself, with an audit of its own under the name `<name>_restore`.
 * @throws PH5019 when the audit cannot say what was there, or rows were changed since.
 */
export async function restoreFrom(
  name: string,
  request: RestoreRequest,
  tools: DataChangeTools,
): Promise<DataChangeResult> {
  return new Restore(name, request, tools, await auditsOf(name, tools)).run();
}

interface Audits {
  readonly pre: Audit | null;
  /** What the change left: post where there is one, else what the change returned. */
  readonly left: Audit | null;
  /** Whether the rows were still there afterwards. */
  readonly kind: 'update' | 'insert' | 'delete';
}

async function auditsOf(name: string, { db, owner }: DataChangeTools): Promise<Audits> {
  const [pre, change, post] = [
    await findAudit(db, owner, name, 'pre'),
    await findAudit(db, owner, name, 'change'),
    await findAudit(db, owner, name, 'post'),
  ];
  const refuse = (reason: string): never => {
    throw new PhaseError('PH5019', { audit: name, reason });
  };
  const source = pre ?? change;
  if (source === null) return refuse(`${owner} has written no audit of this name since it was last undone.`);
  if (source.isSummary) refuse('It is a summary and does not hold the rows.');
  if (pre !== null && pre.redacted.length > 0) {
    refuse(`${pre.redacted.join(', ')} is redacted: the audit holds digests instead of what was there.`);
  }
  return {
    pre,
    left: post ?? change,
    kind: pre === null ? 'insert' : post === null && change !== null ? 'delete' : 'update',
  };
}

class Restore {
  readonly #name: string;
  readonly #request: RestoreRequest;
  readonly #tools: DataChangeTools;
  readonly #audits: Audits;
  readonly #key: readonly string[];
  /** Columns to be put back, without the key. */
  #columns: readonly string[] = [];

  constructor(name: string, request: RestoreRequest, tools: DataChangeTools, audits: Audits) {
    this.#name = name;
    this.#request = request;
    this.#tools = tools;
    this.#audits = audits;
    this.#key = (audits.pre ?? audits.left)?.key ?? [];
  }

  async run(): Promise<DataChangeResult> {
    const { db } = this.#tools;
    const { pre, left, kind } = this.#audits;
    this.#columns = await this.#columnsToRestore();
    await this.#load('restore_pre', pre);
    await this.#load('restore_left', left === null || left === pre ? null : left);
    await this.#resolveConflicts();
    // How large it is was said when the change was made.
    const tools = { ...this.#tools, onNotice: () => undefined };
    const result = await dataChange(`${this.#name}_restore`, { key: this.#key, ...this.#queries(kind) }, tools);
    await db.query('DROP TABLE IF EXISTS pg_temp.restore_pre, pg_temp.restore_left');
    return result;
  }

  async #columnsToRestore(): Promise<string[]> {
    const { db } = this.#tools;
    const { pre } = this.#audits;
    const found = await all<{ name: string; generated: boolean }>(
      db,
      `SELECT attname AS name, attgenerated <> '' AS generated FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
      [this.#request.table],
    );
    const own = (pre?.columns ?? []).map(({ name }) => name).filter((name) => !this.#key.includes(name));
    const missing = [...this.#key, ...own].filter((name) => !found.some((column) => column.name === name));
    if (missing.length > 0)
      this.#refuse(`${this.#request.table} has no column ${missing.join(', ')}, which the audit has.`);
    return own.filter((name) => !found.some((column) => column.name === name && column.generated));
  }

  async #load(table: string, audit: Audit | null): Promise<void> {
    if (audit === null) return;
    const columns = audit.columns.map(({ name, type }) => ({
      name,
      type: audit.redacted.includes(name) ? 'text' : type,
    }));
    const csv: Readable = await this.#tools.open(audit);
    await loadCsv(this.#tools.db as pg.Client, table, columns, csv);
    await this.#tools.db.query(`ANALYZE pg_temp.${table}`);
  }

  /** Rows whose values are no more those that the change left. */
  async #resolveConflicts(): Promise<void> {
    const { left, kind } = this.#audits;
    const { conflicts = 'stop', table } = this.#request;
    const wanted = kind === 'insert' ? 'restore_left' : 'restore_pre';
    const key = (alias: string) => this.#key.map((name) => `${alias}.${quoteIdent(name)}`).join(', ');
    const same = (one: string, other: string) => `(${key(one)}) = (${key(other)})`;
    const isThere = `EXISTS (SELECT FROM ${table} AS t WHERE ${same('t', 'r')})`;
    const compared = left?.columns.map(({ name }) => name).filter((name) => this.#isCompared(left, name)) ?? [];
    const differs = compared.map((name) => `t.${quoteIdent(name)}::text IS DISTINCT FROM l.${quoteIdent(name)}::text`);
    const changed =
      left === null || differs.length === 0
        ? 'false'
        : `EXISTS (SELECT FROM ${table} AS t JOIN pg_temp.restore_left AS l ON ${same('t', 'l')} WHERE ${same('t', 'r')} AND (${differs.join(' OR ')}))`;
    const conflict = kind === 'delete' ? isThere : `(NOT ${isThere} OR ${changed})`;
    if (conflicts === 'stop') await this.#ensureNone(`pg_temp.${wanted} AS r WHERE ${conflict}`);
    else if (conflicts === 'skip') await this.#tools.db.query(`DELETE FROM pg_temp.${wanted} AS r WHERE ${conflict}`);
    else if (kind === 'update') await this.#tools.db.query(`DELETE FROM pg_temp.${wanted} AS r WHERE NOT ${isThere}`);
  }

  #isCompared({ redacted }: Audit, name: string): boolean {
    if (this.#key.includes(name) || redacted.includes(name)) return false;
    return this.#audits.kind === 'insert' || this.#columns.includes(name);
  }

  async #ensureNone(from: string): Promise<void> {
    const shown = this.#key.map((name) => `r.${quoteIdent(name)}::text`).join(', ');
    const rows = await all<{ key: string[] }>(
      this.#tools.db as Queryable,
      `SELECT ARRAY[${shown}] AS key FROM ${from} ORDER BY 1 LIMIT ${SHOWN}`,
    );
    if (rows.length === 0) return;
    const keys = rows.map(({ key }) => key.join(', ')).join('; ');
    this.#refuse(
      `Rows have been changed since, among them ${keys}. conflicts: 'skip' leaves them as they are, 'overwrite' puts back what was there.`,
    );
  }

  /** As a data change: what is there now, what is put back, what is there then. */
  #queries(kind: Audits['kind']): { pre?: string; change: string; post?: string } {
    const { table } = this.#request;
    const names = [...this.#key, ...this.#columns].map(quoteIdent);
    const own = names.map((name) => `t.${name}`).join(', ');
    const same = (other: string) =>
      `(${this.#key.map((name) => `t.${quoteIdent(name)}`).join(', ')}) = (${this.#key.map((name) => `${other}.${quoteIdent(name)}`).join(', ')})`;
    if (kind === 'delete') {
      const change = `INSERT INTO ${table} AS t (${names.join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${names.join(', ')} FROM pg_temp.restore_pre RETURNING ${own}`;
      return { change, post: `SELECT ${own} FROM ${table} AS t JOIN pg_temp.restore_pre AS r ON ${same('r')}` };
    }
    if (kind === 'insert') {
      const pre = `SELECT t.* FROM ${table} AS t JOIN pg_temp.restore_left AS r ON ${same('r')}`;
      return {
        pre,
        change: `DELETE FROM ${table} AS t USING pg_temp.restore_left AS r WHERE ${same('r')} RETURNING t.*`,
      };
    }
    const set = this.#columns.map((name) => `${quoteIdent(name)} = r.${quoteIdent(name)}`).join(', ');
    return {
      pre: `SELECT ${own} FROM ${table} AS t JOIN pg_temp.restore_pre AS r ON ${same('r')}`,
      change: `UPDATE ${table} AS t SET ${set} FROM pg_temp.restore_pre AS r WHERE ${same('r')} RETURNING ${own}`,
      post: `SELECT ${own} FROM ${table} AS t JOIN pg_temp.pre_keys AS k ON ${same('k')}`,
    };
  }

  #refuse(reason: string): never {
    throw new PhaseError('PH5019', { audit: this.#name, reason });
  }
}
