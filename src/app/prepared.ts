import type { Client } from './attach.ts';

/** SQLSTATE of a statement that was prepared before the table got another column; its message tells it from others of that code. */
const FEATURE_NOT_SUPPORTED = '0A000';
const CACHED_PLAN = 'cached plan must not change result type';

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
    const { callback: configured, ...statement } = config;
    const callback = rest.findLast((arg) => typeof arg === 'function') ?? configured;
    const others = rest.filter((arg) => typeof arg !== 'function');
    const run = (done: Callback): unknown => {
      const again = times.get(config.name);
      const name = again === undefined ? config.name : `${config.name}.${again}`;
      return query({ ...statement, name }, ...others, done);
    };
    const runAgain = (done: Callback): void => {
      times.set(config.name, (times.get(config.name) ?? 0) + 1);
      run(done);
    };
    const start = (done: Callback): unknown =>
      run((error, result) => orAnew(client, { error, result, runAgain, done }));
    if (typeof callback === 'function') return start(callback as Callback);
    return new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))));
  };
}

interface Outcome {
  readonly error: unknown;
  readonly result: unknown;
  readonly runAgain: (done: Callback) => void;
  readonly done: Callback;
}

/** Called while pg handles the answer: the server's word on the state of the connection comes after it, and must not be missed. */
function orAnew({ connection }: Client, { error, result, runAgain, done }: Outcome): void {
  if (!isStale(error)) {
    done(error, result);
    return;
  }
  const lost = (): void => done(error, result);
  connection.once('end', lost);
  connection.once('readyForQuery', ({ status }: { status: string }) => {
    connection.off('end', lost);
    // I: not in a transaction.
    if (status === 'I') runAgain(done);
    else done(error, result);
  });
}

/** Plain configurations alone: a cursor or a stream reads its rows itself. */
function isNamed(config: unknown): config is NamedQuery {
  const { name, text, submit } = (config ?? {}) as Partial<NamedQuery> & { submit?: unknown };
  return typeof name === 'string' && name !== '' && typeof text === 'string' && submit === undefined;
}

function isStale(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  return code === FEATURE_NOT_SUPPORTED && message === CACHED_PLAN;
}
