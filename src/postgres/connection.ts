import pg from 'pg';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../domain/ledger-schema.ts';
import { connectionError } from './errors.ts';
import { makeOwn, type OwnSession, PLAIN_SESSION } from './own-session.ts';
import { type LedgerDb, one } from './queryable.ts';
import { pin } from './session.ts';

/** The oldest server that has all that is used: page-range scans and `hash_record_extended`. */
const OLDEST_SERVER = 140000;

type Place = string | pg.ClientConfig | undefined;

/** A database, and how sessions in it are. */
export interface Database {
  /** A URL, or what pg takes; without either the PG* variables of the environment apply. A function is asked for each connection: what it gives may expire. */
  readonly connection: Place | (() => Promise<Place>);
  /** Where the ledger is, or would be. */
  readonly ledgerSchema: string;
  readonly own: OwnSession;
}

/** One that belongs to no project. */
export const plainDatabase = (connection: string): Database => ({
  connection,
  ledgerSchema: DEFAULT_LEDGER_SCHEMA,
  own: PLAIN_SESSION,
});

export interface ConnectionOptions extends Database {
  /** Shows in pg_stat_activity; cut to 63 bytes. */
  readonly applicationName: string;
}

/** A connection that knows where the ledger is, and how it is to be made. */
export type Connection = pg.Client & LedgerDb & { readonly own: OwnSession };

/** A connection that its network has lost is found within half a minute. */
export function connectionSettings(connection: Place, applicationName: string) {
  return {
    ...(typeof connection === 'string' ? { connectionString: connection } : connection),
    application_name: applicationName,
    connectionTimeoutMillis: 15_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/**
 * Opens one connection of its own.
 * @throws PH5001, PH5002, PH5003 when it cannot be had, PH5012 when the server is older than 14.
 */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const { connection, ledgerSchema, own, applicationName } = options;
  const place = typeof connection === 'function' ? await connection() : connection;
  const client = Object.assign(newClient(place, applicationName), { ledgerSchema, own });
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw connectionError(error, target(client));
  }
  client.on('error', () => undefined);
  const { version, text } = await one<{ version: number; text: string }>(
    client,
    `SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version, pg_catalog.current_setting('server_version') AS text`,
  );
  if (version < OLDEST_SERVER) {
    await client.end();
    throw new PhaseError('PH5012', { version: text });
  }
  return client;
}

function newClient(place: Place, applicationName: string): pg.Client {
  try {
    return new pg.Client(connectionSettings(place, applicationName));
  } catch (error) {
    throw new PhaseError(
      'PH1015',
      {
        what: 'The URL of the database',
        value: redact(typeof place === 'string' ? place : ''),
        allowed: 'postgres://user@host:port/database',
      },
      { cause: error },
    );
  }
}

function target(client: pg.Client) {
  return {
    host: client.host,
    port: client.port,
    user: client.user ?? '(nobody)',
    database: client.database ?? '(none)',
  };
}

/** Ends a connection at once, whatever it is in the middle of: the server rolls back. */
export function cut(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/**
 * Runs something on a connection of its own and closes it. It has our search path; not behind a pooler, which would hand the session on to the
 * application as it is.
 */
export async function withConnection<T>(
  options: ConnectionOptions,
  run: (client: Connection) => Promise<T>,
): Promise<T> {
  const client = await connect(options);
  try {
    if (await isDirect(client)) {
      await makeOwn(client, options.own);
      await pin(client);
    }
    return await run(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Behind a pooler the process id that the client was told is not that of the server's process. */
export async function isDirect(client: pg.Client): Promise<boolean> {
  const told = (client as unknown as { processID: number | null }).processID;
  return told === (await one<{ pid: number }>(client, 'SELECT pg_catalog.pg_backend_pid() AS pid')).pid;
}

/** A URL without its password, for messages. */
function redact(url: string): string {
  return url.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@').replace(/([?&]password=)[^&]*/i, '$1***');
}
