import type { EventEmitter } from 'node:events';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { attach, type Client } from './attach.ts';
import { renamedColumns } from './columns.ts';
import { Places } from './places.ts';
import { prepareAnew } from './prepared.ts';
import { Reads } from './reads.ts';
import { currentRenames } from './renames.ts';
import { Writes } from './writes.ts';

/** `file:line:column` of a place in the application's code. */
export type Place = string;

/** A knex, a pool or a connected client of pg, by the parts that are used. No type of either is named: an application may have one of them alone. */
export type Renamable =
  | (((...args: never[]) => unknown) & { readonly client: unknown })
  | { query(...args: never[]): unknown };

export interface RenamesOptions {
  /** The project's folder, or one below it; else the current folder. */
  readonly root?: string;
  /** The release of the application; else the configuration's, else the version in package.json. */
  readonly release?: string;
  /** Told once for each place in the code that reads a column by its old name in phase 1; else a warning of the process. */
  readonly onDeprecation?: (message: string, place: Place) => void;
}

/**
 * Gives an application that uses knex or pg what its release asks for while columns are being renamed:
 * in phase 1 rows do not have the new column, and reading the old one warns once a place; from phase 2 on rows do not
 * have the old column, and a statement that writes it fails. Where no rename is under way nothing of that is changed; statements that were prepared before a table got
 * another column are prepared anew in any case.
 * @param target a knex, a pool or a connected client of pg; it is given back. Right after it was made.
 * @throws PH5023 for something else, PH1005 when no release is known, PH3005 and PH3006 for files that cannot be used, and
 * what the query throws that looks for the columns.
 */
export async function withRenames<T extends Renamable>(
  target: T,
  { root = process.cwd(), release, onDeprecation = warn }: RenamesOptions = {},
): Promise<T> {
  ensureUsable(target);
  attachTo(target, prepareAnew);
  const current = await currentRenames(root, release);
  if (current.length === 0) return target;
  const columns = await renamedColumns(queryable(target), current);
  if (columns.length === 0) return target;
  const places = new Places((what, place) => onDeprecation(`${what}; it is read by its old name at ${place}`, place));
  const reads = new Reads(columns, places);
  const writes = await Writes.of(columns);
  attachTo(target, (client) => attach(client, reads, writes));
  return target;
}

/** @throws PH5023 for something else, and for a client that would keep the first query waiting for ever. */
function ensureUsable(target: unknown): void {
  const candidate = target as { client?: unknown; query?: unknown; totalCount?: unknown; _connected?: boolean } | null;
  const isKnown = typeof candidate === 'function' ? 'client' in candidate : typeof candidate?.query === 'function';
  const isConnected = typeof candidate === 'function' || candidate?.totalCount !== undefined || candidate?._connected;
  if (isKnown && isConnected) return;
  const problems = [isKnown ? 'the client is not connected' : `the first argument is ${whatElse(target)}`];
  throw new PhaseError('PH5023', { call: 'withRenames', problems });
}

/** Clients that stand on a pool, which is what is watched. */
function whatElse(target: unknown): string {
  const { $queryRaw, $client, getExecutor } = (target ?? {}) as Record<string, unknown>;
  if ($queryRaw !== undefined) {
    return 'a client of Prisma: its engine keeps its own connections, unless it has an adapter for pg: new PrismaPg(await withRenames(new pg.Pool({ ... })))';
  }
  if ($client !== undefined)
    return 'a database of Drizzle: hand over its pool, drizzle({ client: await withRenames(pool) })';
  if (getExecutor !== undefined) {
    return 'a Kysely: hand over its pool, new PostgresDialect({ pool: await withRenames(pool) })';
  }
  return 'no knex, pool or client of pg';
}

function warn(message: string): void {
  process.emitWarning(message, { type: 'DeprecationWarning', code: 'PHASE_OLD_COLUMN' });
}

/** What a knex keeps its connections in. */
interface Connections {
  acquireConnection(): Promise<Client & Queryable>;
  releaseConnection(connection: unknown): Promise<void>;
}

function queryable(target: Renamable): Queryable {
  const connections = connectionsOf(target);
  if (connections === null) return target as unknown as Queryable;
  return {
    async query(text, values = []) {
      const connection = await connections.acquireConnection();
      try {
        return await (connection as Queryable).query(text, values);
      } finally {
        await connections.releaseConnection(connection);
      }
    },
  };
}

/** Each connection as it comes into use. */
function attachTo(target: Renamable, body: (client: Client) => void): void {
  const connections = connectionsOf(target);
  if (connections !== null) {
    const acquire = connections.acquireConnection.bind(connections);
    connections.acquireConnection = async () => {
      const connection = await acquire();
      body(connection);
      return connection;
    };
  } else if ('totalCount' in target) {
    (target as unknown as EventEmitter).on('acquire', body);
  } else {
    body(target as unknown as Client);
  }
}

/** Those of a knex; null for a pool or a client of pg. */
function connectionsOf(target: Renamable): Connections | null {
  return typeof target === 'function' ? (target.client as Connections) : null;
}
