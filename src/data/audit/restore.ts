import { PhaseError } from '../../domain/errors/phase-error.ts';
import { quoteIdent } from '../../domain/identifier.ts';
import { type Audit, alongOf } from '../../ledger/audits.ts';
import type { Connection } from '../../postgres/connection.ts';
import { all } from '../../postgres/queryable.ts';
import { underQualifiedNames } from '../../postgres/session.ts';
import { dataChange } from './data-change.ts';
import { inWords } from './effects.ts';
import { loadCsv } from './load.ts';
import type { DataChangeTools } from './recorder.ts';
import type { DataChangeResult } from './request.ts';
import { RESTORE_TABLES, type RestoreAction, type RestoreAudits, restoreAudits, restoreRows } from './restore-plan.ts';

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
  const audits = await restoreAudits(tools.db, tools.owner, name);
  const result = await new Restore(name, request, tools, audits).run();
  const { change } = audits;
  if (change === null) return result;
  for (const { name: along, table } of await alongOf(tools.db, change)) {
    const own = { ...request, table, leaveGone: true };
    await new Restore(along, own, tools, await restoreAudits(tools.db, tools.owner, along)).run();
  }
  if (change.beyond !== null) {
    tools.onNotice(
      `${name} had also written rows that are in no audit and that nothing was taken back of: ${inWords(change.beyond)}.`,
    );
  }
  return result;
}

class Restore {
  readonly #name: string;
  readonly #request: RestoreRequest & { readonly leaveGone?: boolean };
  readonly #tools: DataChangeTools;
  readonly #audits: RestoreAudits;
  readonly #key: readonly string[];
  /** Columns to be put back, without the key. */
  #columns: readonly string[] = [];
  /** The operator that keys are compared by. */
  #equals = '=';
  /** Columns that an UPDATE cannot set: GENERATED ALWAYS AS IDENTITY. */
  #fixed: readonly string[] = [];
  /** Columns of the table that the audit does not hold. */
  #lost: readonly string[] = [];

  /** @param request of what was taken along: what has gone since is left away, with whatever it referenced. */
  constructor(
    name: string,
    request: RestoreRequest & { readonly leaveGone?: boolean },
    tools: DataChangeTools,
    audits: RestoreAudits,
  ) {
    this.#name = name;
    this.#request = request;
    this.#tools = tools;
    this.#audits = audits;
    this.#key = audits.key;
  }

  async run(): Promise<DataChangeResult> {
    const { db } = this.#tools;
    const { pre, change, post } = this.#audits;
    await this.#readColumns();
    for (const audit of [pre, change, post]) if (audit !== null) await this.#load(audit);
    const columns = this.#key.map(quoteIdent).join(', ');
    const like = RESTORE_TABLES[(pre ?? change ?? post)?.kind ?? 'pre'];
    await db.query(`CREATE TEMP TABLE restore_none ON COMMIT DROP AS SELECT ${columns} FROM pg_temp.${like} LIMIT 0`);
    await underQualifiedNames(db, () => db.query(restoreRows(this.#audits)));
    await db.query('ANALYZE pg_temp.restore_rows');
    await this.#resolveConflicts();
    const actions = await this.#actions();
    if (actions.includes('insert') && this.#lost.length > 0) {
      this.#refuse(`pre does not hold ${this.#lost.join(', ')}, which rows that were deleted had.`);
    }
    // How large it is was said when the change was made.
    const tools = { ...this.#tools, onNotice: () => undefined };
    const result = await dataChange(`${this.#name}_restore`, { key: this.#key, ...this.#queries(actions) }, tools);
    const tables = [...Object.values(RESTORE_TABLES), 'restore_rows', 'restore_none'];
    await db.query(`DROP TABLE IF EXISTS ${tables.map((table) => `pg_temp.${table}`).join(', ')}`);
    return result;
  }

  async #readColumns(): Promise<void> {
    const { db } = this.#tools;
    const [{ oid } = { oid: '0' }] = await all<{ oid: string }>(db, 'SELECT $1::regclass::oid::int8::text AS oid', [
      this.#request.table,
    ]);
    const found = await underQualifiedNames(db, () =>
      all<{ name: string; generated: boolean; fixed: boolean; builtIn: boolean }>(
        db,
        `SELECT attname AS name, attgenerated <> '' AS generated, attidentity = 'a' AS fixed,
           EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = atttypid AND t.typnamespace = 'pg_catalog'::regnamespace) AS "builtIn" FROM pg_catalog.pg_attribute
         WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped`,
        [oid],
      ),
    );
    const held = (this.#audits.pre?.columns ?? []).map(({ name }) => name);
    const own = held.filter((name) => !this.#key.includes(name));
    const missing = [...this.#key, ...own].filter((name) => !found.some((column) => column.name === name));
    if (missing.length > 0)
      this.#refuse(`${this.#request.table} has no column ${missing.join(', ')}, which the audit has.`);
    const generated = found.filter((column) => column.generated).map(({ name }) => name);
    this.#columns = own.filter((name) => !generated.includes(name));
    const keys = found.filter(({ name }) => this.#key.includes(name));
    // These statements fire triggers of the application, which find their names by the path of the role: ours are written out.
    if (keys.every(({ builtIn }) => builtIn)) this.#equals = 'OPERATOR(pg_catalog.=)';
    this.#fixed = found.filter((column) => column.fixed).map(({ name }) => name);
    this.#lost = found.map(({ name }) => name).filter((name) => !held.includes(name) && !generated.includes(name));
  }

  async #load(audit: Audit): Promise<void> {
    const table = RESTORE_TABLES[audit.kind];
    const columns = audit.columns.map(({ name, type }) => ({
      name,
      type: audit.redacted.includes(name) ? 'text' : type,
    }));
    await loadCsv(this.#tools.db as Connection, table, columns, await this.#tools.open(audit));
    await this.#tools.db.query(`ANALYZE pg_temp.${table}`);
  }

  /** Rows whose values are no more those that the change left; joined, since there may be millions. */
  async #resolveConflicts(): Promise<void> {
    const { db } = this.#tools;
    const { conflicts = 'stop', table, leaveGone = false } = this.#request;
    const first = quoteIdent(this.#key[0] ?? '');
    const left = [this.#audits.post, this.#audits.change].filter((audit) => audit !== null);
    const joins = left.map(
      ({ kind }) => `LEFT JOIN pg_temp.${RESTORE_TABLES[kind]} AS ${kind} ON ${this.#same('r', kind)}`,
    );
    const isThere = `t.${first} IS NOT NULL`;
    // The rows that a DELETE returns are those that were there before it.
    const compared = left.filter(({ kind, command }) => kind === 'post' || command !== 'DELETE');
    const changed = compared.map((audit) =>
      this.#isChanged(
        audit,
        compared.some(({ kind }) => kind === 'post'),
      ),
    );
    if (this.#audits.pre !== null)
      joins.push(`LEFT JOIN pg_temp.${RESTORE_TABLES.pre} AS pre ON ${this.#same('r', 'pre')}`);
    const from = `pg_temp.restore_rows AS r LEFT JOIN ${table} AS t ON ${this.#same('r', 't')} ${joins.join(' ')}
      WHERE CASE r.action WHEN 'insert' THEN ${isThere} ELSE NOT (${isThere}) OR (${changed.join(' OR ') || 'false'}) AND NOT (${this.#isBack()}) END`;
    const shown = this.#key.map((name) => `r.${quoteIdent(name)}::text`).join(', ');
    if (leaveGone) {
      await db.query(
        `DELETE FROM pg_temp.restore_rows AS r WHERE r.action = 'update' AND NOT EXISTS (SELECT FROM ${table} AS t WHERE ${this.#same('r', 't')})`,
      );
    }
    if (conflicts === 'stop') return this.#ensureNone(`SELECT ARRAY[${shown}] AS key FROM ${from}`);
    const keys = this.#key.map((name) => `r.${quoteIdent(name)}`).join(', ');
    await db.query(
      `CREATE TEMP TABLE restore_conflicts ON COMMIT DROP AS SELECT ${keys}, ${isThere} AS there FROM ${from}`,
    );
    const conflicting = `pg_temp.restore_conflicts AS c WHERE ${this.#same('r', 'c')}`;
    if (conflicts === 'skip') {
      await db.query(`DELETE FROM pg_temp.restore_rows AS r USING ${conflicting}`);
    } else {
      // What was deleted and has come back is overwritten; what has gone since stays away.
      await db.query(
        `UPDATE pg_temp.restore_rows AS r SET action = 'update' FROM ${conflicting} AND r.action = 'insert'`,
      );
      await db.query(`DELETE FROM pg_temp.restore_rows AS r USING ${conflicting} AND NOT c.there`);
    }
    await db.query('DROP TABLE pg_temp.restore_conflicts');
  }

  /** Whether a row is as it was before the change already: by hand, or by a foreign key that brought it back with the row that it references. */
  #isBack(): string {
    if (this.#audits.pre === null) return 'false';
    const same = this.#columns.map(
      (name) => `t.${quoteIdent(name)}::text IS NOT DISTINCT FROM pre.${quoteIdent(name)}::text`,
    );
    return ["r.action = 'update'", ...same].join(' AND ');
  }

  /** @param byPost whether post, where it holds the row, says better what the change left. */
  #isChanged(audit: Audit, byPost: boolean): string {
    const { kind, redacted, columns } = audit;
    const first = quoteIdent(this.#key[0] ?? '');
    const names = columns
      .map(({ name }) => name)
      .filter((name) => !this.#key.includes(name) && !redacted.includes(name));
    const differs = (some: readonly string[]): string =>
      some
        .map((name) => `t.${quoteIdent(name)}::text IS DISTINCT FROM ${kind}.${quoteIdent(name)}::text`)
        .join(' OR ') || 'false';
    const counts = `${kind}.${first} IS NOT NULL${kind === 'change' && byPost ? ` AND post.${first} IS NULL` : ''}`;
    const own = names.filter((name) => this.#columns.includes(name));
    return `(${counts} AND CASE r.action WHEN 'delete' THEN ${differs(names)} ELSE ${differs(own)} END)`;
  }

  async #ensureNone(conflicts: string): Promise<void> {
    const rows = await all<{ key: string[] }>(this.#tools.db, `${conflicts} ORDER BY 1 LIMIT ${SHOWN}`);
    if (rows.length === 0) return;
    const keys = rows.map(({ key }) => key.join(', ')).join('; ');
    this.#refuse(
      `Rows have been changed since, among them ${keys}. conflicts: 'skip' leaves them as they are, 'overwrite' puts back what was there.`,
    );
  }

  async #actions(): Promise<RestoreAction[]> {
    const rows = await all<{ action: RestoreAction }>(
      this.#tools.db,
      'SELECT DISTINCT action FROM pg_temp.restore_rows ORDER BY 1',
    );
    return rows.map(({ action }) => action);
  }

  /** As a data change: what is there now, what is put back, what is there then. */
  #queries(actions: readonly RestoreAction[]): { pre?: string; change: string; post?: string; keys?: 'any' } {
    const { table } = this.#request;
    const [only = 'update'] = actions;
    const there = (columns: string): string =>
      `SELECT ${columns} FROM ${table} AS t JOIN pg_temp.restore_rows AS r ON ${this.#same('t', 'r')}`;
    if (actions.length > 1) {
      const own = this.#own();
      const parts = actions.map((action) => `${action}d AS (${this.#statement(action, own)})`);
      const change = `WITH ${parts.join(', ')} ${actions.map((action) => `SELECT * FROM ${action}d`).join(' UNION ALL ')}`;
      return { pre: there(own), change, post: there(own), keys: 'any' };
    }
    if (only === 'delete') return { pre: there('t.*'), change: this.#statement('delete', 't.*') };
    const post = there(this.#own());
    return only === 'insert'
      ? { change: this.#statement('insert', this.#own()), post }
      : { pre: post, change: this.#statement('update', this.#own()), post };
  }

  #own(): string {
    return [...this.#key, ...this.#columns].map((name) => `t.${quoteIdent(name)}`).join(', ');
  }

  #statement(action: RestoreAction, returning: string): string {
    const { table } = this.#request;
    const rows = `pg_temp.restore_rows AS r`;
    const before = `pg_temp.restore_pre AS b`;
    if (action === 'delete') {
      return `DELETE FROM ${table} AS t USING ${rows} WHERE ${this.#same('t', 'r')} AND r.action = 'delete' RETURNING ${returning}`;
    }
    if (action === 'insert') {
      const names = [...this.#key, ...this.#columns].map(quoteIdent);
      return `INSERT INTO ${table} AS t (${names.join(', ')}) OVERRIDING SYSTEM VALUE
        SELECT ${names.map((name) => `b.${name}`).join(', ')} FROM ${before} JOIN ${rows} ON ${this.#same('b', 'r')} WHERE r.action = 'insert' RETURNING ${returning}`;
    }
    // Of a change that moved no column but the key there is nothing to put back.
    const own = this.#columns.filter((name) => !this.#fixed.includes(name));
    const columns = own.length > 0 ? own : this.#key;
    const set = columns.map((name) => `${quoteIdent(name)} = b.${quoteIdent(name)}`).join(', ');
    return `UPDATE ${table} AS t SET ${set} FROM ${before} JOIN ${rows} ON ${this.#same('b', 'r')} WHERE ${this.#same('t', 'b')} AND r.action = 'update' RETURNING ${returning}`;
  }

  #same(one: string, other: string): string {
    const columns = (alias: string): string => this.#key.map((name) => `${alias}.${quoteIdent(name)}`).join(', ');
    return `ROW(${columns(one)}) ${this.#equals} ROW(${columns(other)})`;
  }

  #refuse(reason: string): never {
    throw new PhaseError('PH5019', { audit: this.#name, reason });
  }
}
