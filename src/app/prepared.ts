import { createHash } from 'node:crypto';
import type { Client } from './attach.ts';

/**
 * SQLSTATE of a statement that was prepared before the table got another column. The place in the server that reports it tells it from others of that
 * code; its message is in the server's language.
 */
const FEATURE_NOT_SUPPORTED = '0A000';
const CACHED_PLAN = 'RevalidateCachedQuery';

interface NamedQuery {
  readonly name: string;
  readonly text: string;
  readonly callback?: unknown;
}

type Callback = (error: unknown, result?: unknown) => void;
type Query = (...args: unknown[]) => unknown;

const attached = new WeakSet<object>();

/**
 * A statement that was prepared by name as SELECT * or RETURNING * fails on its connection, each time, once the table has another column. It is prepared
 * anew under another name and runs again: PostgreSQL has refused it before it did anything. Not in a transaction, which the error has
 * ended.
 */
export function prepareAnew(client: Client): void {
  if (attached.has(client)) return;
  attached.add(client);
  const query = client.query.bind(client) as Query;
  /** How often each statement had to be prepared anew on this connection. */
  const times = new Map<string, number>();
  client.query = (...args: unknown[]) => {
    const [config, ...rest] = args;
    if (!isNamed(config)) return query(...args);
    const callback = rest.findLast((arg) => typeof arg === 'function') ?? config.callback;
    const others = rest.filter((arg) => typeof arg !== 'function');
    const run = (done: Callback): unknown => query(renamed(config, times.get(config.name)), ...others, done);
    const start = (done: Callback): unknown => {
      const asked = times.get(config.name);
      // Several that were under way when the plan became stale go on under one new name.
      const another = (): void => void (times.get(config.name) === asked && times.set(config.name, (asked ?? 0) + 1));
      return run((error, result) => orAnew(client, { error, result, another, run, done }));
    };
    if (typeof callback === 'function') return start(callback as Callback);
    return new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))));
  };
}

/** The same statement under another name: whatever it is an instance of, its text may come from there. */
function renamed(config: NamedQuery, again: number | undefined): object {
  const own = (value: unknown): PropertyDescriptor => ({ value, writable: true, enumerable: true, configurable: true });
  const name = again === undefined ? config.name : nameAgain(config.name, again);
  return Object.create(config, { name: own(name), callback: own(undefined) });
}

/** PostgreSQL cuts names off after 63 bytes, and the application may call others as it likes: what its name says is not kept in this one. */
function nameAgain(name: string, again: number): string {
  return `triphase_${again}_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}

interface Outcome {
  readonly error: unknown;
  readonly result: unknown;
  /** From now on the statement goes by another name. */
  readonly another: () => void;
  readonly run: (done: Callback) => unknown;
  readonly done: Callback;
}

/**
 * Called while pg handles the answer: the server's word on the state of the connection comes after it, and must not be missed. It runs again only where nothing
 * waits behind it, which would come first then.
 */
function orAnew(client: Client, { error, result, another, run, done }: Outcome): void {
  if (!isStale(error)) {
    done(error, result);
    return;
  }
  another();
  const { connection } = client;
  const isLast = !hasQueued(client);
  const lost = (): void => done(error, result);
  connection.once('end', lost);
  connection.once('readyForQuery', ({ status }: { status: string }) => {
    connection.off('end', lost);
    // I: not in a transaction.
    if (status === 'I' && isLast && !isBusy(client)) run(done);
    else done(error, result);
  });
}

/** Whether pg has begun with a query that was asked meanwhile. */
function isBusy(client: Client): boolean {
  const active = client._getActiveQuery ? client._getActiveQuery() : client.activeQuery;
  return active !== null && active !== undefined;
}

/** What pg keeps of queries that wait; under another name before 8.17. */
function hasQueued(client: Client): boolean {
  const { _queryQueue: queue, queryQueue } = client as Client & Record<'_queryQueue' | 'queryQueue', unknown>;
  const waiting = (queue ?? queryQueue) as readonly unknown[] | undefined;
  return waiting === undefined || waiting.length > 0;
}

/** Plain configurations alone: a cursor or a stream reads its rows itself. */
function isNamed(config: unknown): config is NamedQuery {
  const { name, text, submit } = (config ?? {}) as Partial<NamedQuery> & { submit?: unknown };
  return typeof name === 'string' && name !== '' && typeof text === 'string' && submit === undefined;
}

function isStale(error: unknown): boolean {
  const { code, routine } = (error ?? {}) as { code?: string; routine?: string };
  return code === FEATURE_NOT_SUPPORTED && routine === CACHED_PLAN;
}
