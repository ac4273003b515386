import type pg from 'pg';
import { holdsLedger } from '../domain/ledger-schema.ts';
import { all, type Queryable } from './queryable.ts';

/** Modes in which a relation was locked, by the relation's name (`schema.name`). */
export type ObservedLocks = ReadonlyMap<string, ReadonlySet<string>>;

/** SQLSTATE of a statement that cannot run in a transaction. */
const NOT_IN_TRANSACTION = '25001';

/**
 * Relations that people name: tables, views, sequences of nobody. Each index counts as its table. What belongs to
 * PostgreSQL or to phase is left out.
 */
const RELATIONS = `
  SELECT c.oid::text AS oid, n.nspname || '.' || coalesce(t.relname, c.relname) AS name
  FROM pg_catalog.pg_class c
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(t.relnamespace, c.relnamespace)
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT ${holdsLedger('n.oid')}
    AND (c.relkind IN ('r', 'p', 'v', 'm', 'f', 'i', 'I') OR (c.relkind = 'S' AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)))`;

const OWN_LOCKS = `
  SELECT l.relation::text AS oid, l.mode FROM pg_catalog.pg_locks l
  WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted`;

/** What was written about relations by statements that cannot run in a transaction: concurrent builds, detached partitions. */
const CATALOGUE = `
  SELECT c.oid::text AS oid, c.xmin::text || ' ' || coalesce(i.xmin::text, '') AS version
  FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid WHERE c.oid >= 16384`;

type Call = [query: string | { readonly text: string }, ...rest: unknown[]];
type Query = (...call: Call) => Promise<unknown>;

/**
 * Observes which relations some connections lock. Locks are read at the end of each transaction, while they are held;
 * a statement outside one is put into a transaction of its own for that.
 * Source: https://www.postgresql.org/docs/current/view-pg-locks.html
 */
export class LockObserver {
  readonly #modes = new Map<string, Set<string>>();
  readonly #names = new Map<string, string>();

  /** From now on what this connection locks is observed. */
  watch(client: pg.Client): void {
    const query = client.query.bind(client) as unknown as Query;
    const db = { query: (text: string, values?: unknown[]) => query(text, values) } as Queryable;
    let status = 'I';
    (client as unknown as { connection: NodeJS.EventEmitter }).connection.on(
      'readyForQuery',
      (message: { status: string }) => {
        status = message.status;
      },
    );
    let last: Promise<unknown> = Promise.resolve();
    const observed = (...call: Call): unknown => {
      // A cursor or a COPY stream is in a transaction already.
      if (typeof call[0] === 'object' && 'submit' in call[0]) return query(...call);
      const callback = typeof call.at(-1) === 'function' ? (call.pop() as (...args: unknown[]) => void) : null;
      const result = last.then(() => this.#run(db, query, status, call));
      last = result.catch(() => undefined);
      if (!callback) return result;
      result.then((answer) => callback(null, answer), callback);
      return undefined;
    };
    client.query = observed as typeof client.query;
  }

  /** Counts a relation as locked without having seen it. */
  note(name: string): void {
    if (!this.#modes.has(name)) this.#modes.set(name, new Set());
  }

  /** Begins anew. @param db any connection of the database. */
  async begin(db: Queryable): Promise<void> {
    this.#modes.clear();
    await this.#learnNames(db);
  }

  /** What was locked since it began. */
  get locks(): ObservedLocks {
    return new Map([...this.#modes].map(([name, modes]) => [name, new Set(modes)]));
  }

  async #run(db: Queryable, query: Query, status: string, call: Call): Promise<unknown> {
    const text = typeof call[0] === 'string' ? call[0] : call[0].text;
    const ends = /^\s*(?:commit|end)\b/i.test(text);
    if (status === 'T' && ends) await this.#read(db);
    if (status !== 'I' || ends || /^\s*(?:begin|start|rollback|abort)\b/i.test(text)) return query(...call);
    try {
      await query('BEGIN');
      const answer = await query(...call);
      await this.#read(db);
      await query('COMMIT');
      return answer;
    } catch (error) {
      await query('ROLLBACK');
      if ((error as { code?: string }).code !== NOT_IN_TRANSACTION) throw error;
      return this.#runOutside(db, query, call);
    }
  }

  async #runOutside(db: Queryable, query: Query, call: Call): Promise<unknown> {
    await this.#learnNames(db);
    const before = await versions(db);
    try {
      return await query(...call);
    } finally {
      await this.#learnNames(db);
      const after = await versions(db);
      for (const oid of new Set([...before.keys(), ...after.keys()])) {
        if (before.get(oid) !== after.get(oid)) this.#add(oid, 'ShareUpdateExclusiveLock');
      }
    }
  }

  async #read(db: Queryable): Promise<void> {
    const locks = await all<{ oid: string; mode: string }>(db, OWN_LOCKS);
    if (locks.some(({ oid }) => Number(oid) >= 16384 && !this.#names.has(oid))) await this.#learnNames(db);
    for (const { oid, mode } of locks) this.#add(oid, mode);
  }

  #add(oid: string, mode: string): void {
    const name = this.#names.get(oid);
    if (name === undefined) return;
    this.note(name);
    this.#modes.get(name)?.add(mode);
  }

  /** What is dropped later keeps its name here. */
  async #learnNames(db: Queryable): Promise<void> {
    for (const { oid, name } of await all<{ oid: string; name: string }>(db, RELATIONS)) this.#names.set(oid, name);
  }
}

async function versions(db: Queryable): Promise<Map<string, string>> {
  const rows = await all<{ oid: string; version: string }>(db, CATALOGUE);
  return new Map(rows.map(({ oid, version }) => [oid, version]));
}
