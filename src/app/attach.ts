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
  _getActiveQuery?(): ActiveQuery | null;
  query(...args: unknown[]): unknown;
}

const attached = new WeakSet<object>();

/** Watches a connection: rows are changed as they are parsed, whoever asked for them. */
export function attach(client: Client, reads: Reads, writes: Writes | null): void {
  if (attached.has(client)) return;
  attached.add(client);
  client.connection.on('rowDescription', ({ fields }: { fields: readonly ResultField[] }) => {
    const result = client._getActiveQuery?.()?._result;
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
  client.query = (...args: unknown[]) => {
    const problem = writes.problemOf(textOf(args[0]));
    return problem === null ? query(...args) : refuse(client, problem, args);
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
  const callback = args.findLast((arg) => typeof arg === 'function') as ((error: Error) => void) | undefined;
  if (callback) {
    process.nextTick(callback, problem);
    return undefined;
  }
  if (typeof query === 'object' && query !== null && 'submit' in query) {
    process.nextTick(() => (query as Submittable).handleError(problem, client.connection));
    return query;
  }
  return Promise.reject(problem);
}
