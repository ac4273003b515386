import type { Knex } from 'knex';
import { quoteLiteral } from '../domain/identifier.ts';
import type { Connection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import { openKnex } from '../postgres/knex.ts';
import { PLAIN_SESSION } from '../postgres/own-session.ts';
import type { LedgerDb, Queryable } from '../postgres/queryable.ts';
import { type PathKeeper, underOwnNames, underQualifiedNames } from '../postgres/session.ts';
import type { Script } from './dry-run-data.ts';

/** A knex whose statements are written down. Reads are answered from the database where they can be. */
export function recordingKnex(db: Connection, recorder: Script): Knex {
  const knex = openKnex({
    // Sessions are not its own, but what it writes is.
    database: {
      connection: undefined,
      ledgerSchema: db.ledgerSchema,
      own: { ...PLAIN_SESSION, builder: db.own.builder },
    },
    applicationName: 'phase dry run',
    lockTimeoutMs: 0,
  });
  knex.client.acquireConnection = async () => new RecordingConnection(db, recorder);
  knex.client.releaseConnection = async () => undefined;
  return knex;
}

type Callback = (error: unknown, result?: object) => void;

/** Stands where knex expects a connection of pg. */
class RecordingConnection implements PathKeeper {
  readonly ledgerSchema: string;
  #isPinned = false;
  readonly #db: Queryable;
  readonly #recorder: Script;

  constructor(db: LedgerDb, recorder: Script) {
    this.ledgerSchema = db.ledgerSchema;
    this.#db = db;
    this.#recorder = recorder;
  }

  query(
    query: string | { text: string; values?: unknown[] },
    second?: unknown[] | Callback,
    third?: Callback,
  ): Promise<object> {
    const text = typeof query === 'string' ? query : query.text;
    const values = (typeof query === 'string' ? (Array.isArray(second) ? second : []) : query.values) ?? [];
    const callback = typeof second === 'function' ? second : third;
    const answered = answer(this.#db, this.#recorder, { sql: withValues(text, values), isPinned: this.#isPinned });
    if (callback) answered.then((result) => callback(null, result), callback);
    return answered;
  }

  async withPinnedPath<T>(body: () => Promise<T>): Promise<T> {
    const wasPinned = this.#isPinned;
    this.#isPinned = true;
    try {
      return await body();
    } finally {
      this.#isPinned = wasPinned;
    }
  }
}

async function answer(
  db: Queryable,
  recorder: Script,
  { sql, isPinned }: { readonly sql: string; readonly isPinned: boolean },
): Promise<object> {
  const nothing = { rows: [], rowCount: 0, command: '' };
  if (!/^\s*(select|with|values|show|table)\b/i.test(sql)) {
    recorder.statement(sql);
    return nothing;
  }
  await db.query('BEGIN READ ONLY');
  try {
    return await (isPinned ? underQualifiedNames : underOwnNames)(db, () => db.query(sql));
  } catch (error) {
    // A SELECT that writes, such as one that calls setval, belongs into the script.
    if ((error as { code?: string }).code === '25006') recorder.statement(sql);
    else recorder.comment(`Reads, which is not possible yet (${reasonOf(error)}): ${sql}`);
    return nothing;
  } finally {
    await db.query('ROLLBACK');
  }
}

/** The statement with its bindings written in. */
function withValues(sql: string, bindings: readonly unknown[]): string {
  return sql.replace(/\$(\d+)/g, (whole, number) =>
    Number(number) <= bindings.length ? literal(bindings[Number(number) - 1]) : whole,
  );
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return quoteLiteral(value.toISOString());
  if (Buffer.isBuffer(value)) return quoteLiteral(`\\x${value.toString('hex')}`);
  return quoteLiteral(typeof value === 'object' ? JSON.stringify(value) : String(value));
}
