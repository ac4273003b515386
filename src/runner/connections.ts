import type { Knex } from 'knex';
import type pg from 'pg';
import { type Connection, connect, type Database } from '../postgres/connection.ts';
import { openKnex } from '../postgres/knex.ts';
import { prepareSession } from '../postgres/session.ts';
import type { Project } from '../project/config.ts';

interface ConnectionsOptions {
  readonly database: Database;
  readonly project: Project;
  readonly applicationName: string;
  /** Told of each one that migrations and tasks work on. */
  readonly onConnection?: (client: pg.Client) => void;
}

/** The connections of a run or a task: all under one name, prepared alike. */
export class Connections {
  readonly #options: ConnectionsOptions;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get #place() {
    const { database, applicationName } = this.#options;
    return { ...database, applicationName };
  }

  /** One under our own search path, not in a transaction. */
  readonly connect = async (): Promise<Connection> => {
    const client = await connect(this.#place);
    try {
      await prepareSession(client, this.#options.project.config.lockTimeout, 'pinned');
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#options.onConnection?.(client);
    return client;
  };

  /** One that only asks what came of something, also when the lock is lost. */
  readonly ask = (): Promise<Connection> => connect(this.#place);

  knex(): Knex {
    const { database, applicationName, project, onConnection } = this.#options;
    return openKnex({ database, applicationName, lockTimeoutMs: project.config.lockTimeout, onConnection });
  }
}
