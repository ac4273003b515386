import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Connection } from '../../src/postgres/connection.ts';
import { PLAIN_SESSION } from '../../src/postgres/own-session.ts';

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  readonly client: Connection;
  /** Runs a script, or gives the rows of a query. */
  // biome-ignore lint/suspicious/noExplicitAny: rows are shaped by the statement in the test
  sql<R = any>(text: string, values?: unknown[]): Promise<R[]>;
  /** A new role that may log in and has no rights yet, with a URL by which it does. It goes with the database. */
  role(): Promise<{ readonly name: string; readonly url: string }>;
  drop(): Promise<void>;
}

/** A client as phase's own, of a project that says nothing of its ledger. */
export function newConnection(config: pg.ClientConfig): Connection {
  return Object.assign(new pg.Client(config), { ledgerSchema: 'phase', own: PLAIN_SESSION });
}

/** Creates a database on the run's server, or on another one. `template` clones one. */
export async function createDatabase(server = serverUrl(), template?: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name}${template === undefined ? '' : ` TEMPLATE ${template}`}`);
  const url = withDatabase(server, name);
  const client = newConnection({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  const roles: string[] = [];
  return {
    url,
    client,
    sql: async (text, values) => (await client.query(text, values)).rows,
    role: async () => {
      const role = `role_${randomBytes(6).toString('hex')}`;
      await client.query(`CREATE ROLE ${role} LOGIN`);
      roles.push(role);
      const asRole = new URL(url);
      asRole.username = role;
      return { name: role, url: asRole.href };
    },
    drop: async () => {
      await client.end();
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
      if (roles.length > 0) await onServer(server, `DROP ROLE ${roles.join()}`);
    },
  };
}

/** Drops the database of a URL, whoever is connected to it. */
export async function dropDatabase(url: string): Promise<void> {
  await onServer(withDatabase(url, 'postgres'), `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
}

export function serverUrl(): string {
  const url = process.env.TRIPHASE_TEST_SERVER;
  if (!url) throw new Error('The global set-up has started no server.');
  return url;
}

export function withDatabase(url: string, name: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${name}`;
  return parsed.href;
}

async function onServer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
