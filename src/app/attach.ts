import type { EventEmitter } from 'node:events';
import type { PhaseError } from '../domain/errors/phase-error.ts';
import type { Reads } from './reads.ts';
import type { ResultField } from './rows.ts';
import type { Writes } from './writes.ts';

/** What pg keeps of the query that is under way; of a cursor and a stream, too. */
interface ActiveQuery {
  readonly _result?: {
    parseRow(values: readonly unknown[]): object;
    readonly _parsers?: readonly ((raw: unknown) => unknown)[];
    readonly rowAsArray?: boolean;
  };
}

interface Submittable {
  submit(...args: unknown[]): unknown;
  readonly text?: string;
  readonly cursor?: { readonly text?: string };
  handleError(error: Error, connection: unknown): void;
}

/** The parts of a client of pg that are used. */
export interface Client {
  readonly connection: EventEmitter;
  /** From pg 8.17 on; `activeQuery` before. */
  _getActiveQuery?(): ActiveQuery | null;
  readonly activeQuery?: ActiveQuery | null;
  query(...args: unknown[]): unknown;
}

const attached = new WeakSet<object>();

/** Watches a connection: rows are changed as they are parsed, whoever asked for them. */
export function attach(client: Client, reads: Reads, writes: Writes | null): void {
  if (attached.has(client)) return;
  attached.add(client);
  client.connection.on('rowDescription', ({ fields }: { fields: readonly ResultField[] }) => {
    const active = client._getActiveQuery ? client._getActiveQuery() : client.activeQuery;
    const result = active?._result;
    // Rows as arrays have no names.
    if (!result || result.rowAsArray) return;
    const parser = reads.parserOf(fields);
    if (parser) result.parseRow = (values) => parser(values, result._parsers ?? []);
    else if (Object.hasOwn(result, 'parseRow')) result.parseRow = Object.getPrototypeOf(result).parseRow;
  });
  if (writes) refuseWrites(client, writes);
}

function refuseWrites(client: Client, writes: Writes): void {
  const query = client.query.bind(client);
  // From then on only PostgreSQL knows which table a name alone stands for.
  let hasMoved = false;
  client.query = (...args: unknown[]) => {
    const sql = textOf(args[0]);
    hasMoved ||= /search_path/i.test(sql);
    const refusal = writes.refusalOf(sql);
    return refusal === null || (refusal.isByPath && hasMoved) ? query(...args) : refuse(client, refusal.problem, args);
  };
}

function textOf(query: unknown): string {
  if (typeof query === 'string') return query;
  const { text, cursor } = (query ?? {}) as Partial<Submittable>;
  return text ?? cursor?.text ?? '';
}

/** In the way in which the caller waits for the answer: a callback, a stream or cursor, a promise. */
function refuse(client: Client, problem: PhaseError, args: unknown[]): unknown {
  const [query] = args;
  const isSubmittable = typeof query === 'object' && query !== null && 'submit' in query;
  const configured = isSubmittable ? undefined : (query as { callback?: unknown } | null)?.callback;
  const callback = [configured, ...args].findLast((arg): arg is (error: Error) => void => typeof arg === 'function');
  if (callback) {
    process.nextTick(callback, problem);
    return undefined;
  }
  if (isSubmittable) {
    process.nextTick(() => (query as Submittable).handleError(problem, client.connection));
    return query;
  }
  return Promise.reject(problem);
}
