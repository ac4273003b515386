import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import type { Knex } from 'knex';
import type pg from 'pg';
import { DEFAULT_LEDGER_SCHEMA } from '../domain/ledger-schema.ts';
import { type Connection, connectionSettings, type Database } from './connection.ts';
import { PLAIN_SESSION } from './own-session.ts';
import { all, type LedgerDb } from './queryable.ts';
import { prepareSession, underQualifiedNames } from './session.ts';

/** Loaded when the first one is opened: a tenth of a second that a command with nothing to run does not have to take. */
const require = createRequire(import.meta.url);

export interface KnexOptions {
  readonly database: Database;
  readonly applicationName: string;
  readonly lockTimeoutMs: number;
  /** Told of each connection that is opened, once it is prepared. */
  readonly onConnection?: ((client: Connection) => void) | undefined;
}

/** What knex says of itself goes where messages go, and not into the output of a command; a lost connection is an error of whoever uses it. */
const LOG: Knex.Logger = {
  warn: (message: string) => {
    if (!/^(Connection Error|Acquire connection error)/.test(message)) say(message);
  },
  deprecate: (method: string, alternative: string) => say(`${method} is deprecated, please use ${alternative}`),
  error: say,
  debug: say,
};

function say(message: unknown): void {
  process.emitWarning(typeof message === 'string' ? message : inspect(message), 'knex');
}

/** The knex that migrations get: few connections, each prepared like those of the runner. */
export function openKnex({ database, applicationName, lockTimeoutMs, onConnection }: KnexOptions): Knex {
  const { knex } = require('knex') as typeof import('knex');
  return knex({
    ...database.own.builder,
    client: 'pg',
    log: LOG,
    connection: connectionFor(database, applicationName),
    pool: {
      min: 0,
      max: 4,
      afterCreate(connection: pg.Client, done: (error: unknown, connection: unknown) => void) {
        const { ledgerSchema, own } = database;
        const known = Object.assign(connection, { ledgerSchema, own });
        prepareSession(known, lockTimeoutMs, 'own').then(
          () => {
            onConnection?.(known);
            done(null, connection);
          },
          (error) => done(error, connection),
        );
      },
    },
  });
}

/** As knex has it by itself: it takes a URL apart, so that migrations find its parts, and asks a function again when what that gave has expired. */
function connectionFor({ connection }: Database, applicationName: string): Knex.Config['connection'] {
  const { Client } = require('pg') as typeof pg;
  const settingsOf = (place: Parameters<typeof connectionSettings>[0]): Knex.PgConnectionConfig => {
    const settings = connectionSettings(place, applicationName);
    const { host, port, user, database } = new Client(settings);
    const parts = {
      host,
      port,
      ...(user === undefined ? {} : { user }),
      ...(database === undefined ? {} : { database }),
    };
    return { ...parts, ...settings } as Knex.PgConnectionConfig;
  };
  return typeof connection === 'function' ? async () => settingsOf(await connection()) : settingsOf(connection);
}

/** A connection of knex's own command line knows nothing of a configuration. */
function ofLedger(connection: pg.Client & Partial<Connection>): Connection {
  const { ledgerSchema = DEFAULT_LEDGER_SCHEMA, own = PLAIN_SESSION } = connection;
  return Object.assign(connection, { ledgerSchema, own });
}

/** The very connection that a knex transaction runs on: what it does commits with the transaction. */
export async function connectionOf(trx: Knex.Transaction): Promise<Connection> {
  return ofLedger(await trx.client.acquireConnection());
}

/** Lends a connection of a knex, of its pool or the one of its transaction, for what is ours: under our own search path. */
export function onConnection<T>(knex: Knex, body: (db: LedgerDb) => Promise<T>): Promise<T> {
  return onConnectionAsItIs(knex, (db) => underQualifiedNames(db, () => body(db)));
}

/** The same under the search path that the session has. */
export async function onConnectionAsItIs<T>(knex: Knex, body: (db: LedgerDb) => Promise<T>): Promise<T> {
  const connection = await knex.client.acquireConnection();
  try {
    return await body(ofLedger(connection));
  } finally {
    await knex.client.releaseConnection(connection);
  }
}

/**
 * Runs SQL of ours as it stands, in the transaction of a knex where it has one. Not by `knex.raw`, which takes each `?` for a
 * binding and has no way to write `\?`.
 */
// biome-ignore lint/suspicious/noExplicitAny: rows are shaped by the statement next to the call
export function runSql<R = any>(knex: Knex, sql: string, values?: unknown[]): Promise<R[]> {
  return onConnection(knex, async (db) => (await all<R>(db, sql, values)) ?? []);
}

/** Runs SQL of the application, under the search path that its session has. */
export async function runAsGiven(knex: Knex, sql: string): Promise<void> {
  await onConnectionAsItIs(knex, (db) => db.query(sql));
}
