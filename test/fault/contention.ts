import pg from 'pg';
import { createDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';

const KEYS = 10;
const CLIENTS = 12;

/** How two sides of a moving value are written at once. */
export interface Contention {
  readonly server?: string;
  /** Writes of all clients together. */
  readonly writes: number;
  readonly phase: 1 | 2;
  /** Several rows of the one table belong to one of the other. */
  readonly isGrouped: boolean;
  /** Each write in a transaction that has written another column of the row before; one in ten is rolled back. */
  readonly inTransactions: boolean;
}

export interface ContentionResult {
  readonly writes: number;
  readonly perSecond: number;
  /** Errors that clients got, by code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly deadlocks: number;
  /** Keys that were noted, and rows that were not in step when all clients had ended, before anything was settled. */
  readonly noted: number;
  readonly left: number;
  /** Rows that are not in step after the next command. */
  readonly mismatches: number;
}

const TABLES = `CREATE TABLE users (id int PRIMARY KEY, name text, email text);
  CREATE TABLE contacts (user_id int PRIMARY KEY, phone text);
  INSERT INTO users SELECT n, 'n', 'e' || n FROM generate_series(1, ${KEYS}) AS n; INSERT INTO contacts SELECT id FROM users`;
const GROUPED = `CREATE TABLE users (id int PRIMARY KEY, account int, name text, email text);
  CREATE TABLE contacts (user_id int PRIMARY KEY, phone text);
  INSERT INTO users SELECT n, 1 + n % ${KEYS}, 'n', 'e' || n % ${KEYS} FROM generate_series(1, ${3 * KEYS}) AS n; INSERT INTO contacts SELECT DISTINCT account FROM users`;

/** Clients that write both sides of ten values while the column moves, half of them each. */
export async function contend({
  server,
  writes,
  phase,
  isGrouped,
  inTransactions,
}: Contention): Promise<ContentionResult> {
  const database = await createDatabase(server);
  const project = new TestProject(database.url, { 'package.json': '{"name": "shop", "version": "1.0.0"}' });
  const via = isGrouped ? 'contacts.user_id = users.account' : 'contacts.user_id = users.id';
  try {
    await database.sql(isGrouped ? GROUPED : TABLES);
    await project.json('init');
    await project.json(
      ...['new', 'move-column', '--table', 'users', '--column', 'email', '--to-table', 'contacts', '--via', via],
      ...['--releases', `${R1},${R2},${R3}`, '--yes'],
    );
    for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
    await project.json('migrate', '--release', phase === 1 ? R1 : R2, '--maintenance');
    const state: State = { left: writes, errors: {}, slowestMs: 0 };
    const began = performance.now();
    await Promise.all(Array.from({ length: CLIENTS }, (_, at) => client(database.url, { at, inTransactions, state })));
    const seconds = (performance.now() - began) / 1_000;
    const count = async (query: string): Promise<number> => (await database.sql<{ n: number }>(query))[0]?.n ?? 0;
    const outOfStep = `SELECT count(*)::int AS n FROM users JOIN contacts ON ${via} WHERE users.email IS DISTINCT FROM contacts.email`;
    const left = await count(outOfStep);
    const noted = await count('SELECT count(*)::int AS n FROM phase.unsettled_users_email_to_contacts_email');
    await project.json('status', '--count');
    return {
      ...{
        writes,
        perSecond: Math.round(writes / seconds),
        errors: state.errors,
        slowestMs: Math.round(state.slowestMs),
      },
      deadlocks: await count('SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()'),
      ...{ noted, left, mismatches: await count(outOfStep) },
    };
  } finally {
    project.remove();
    await database.drop();
  }
}

interface State {
  left: number;
  readonly errors: Record<string, number>;
  slowestMs: number;
}

async function client(
  url: string,
  { at, inTransactions, state }: { readonly at: number; readonly inTransactions: boolean; readonly state: State },
): Promise<void> {
  const db = new pg.Client(url);
  await db.connect();
  const [table, key, other] = at % 2 === 0 ? ['contacts', 'user_id', 'phone'] : ['users', 'id', 'name'];
  while (state.left-- > 0) {
    const values = [`${at} ${state.left}`, 1 + Math.floor(Math.random() * KEYS)];
    const began = performance.now();
    try {
      if (inTransactions) {
        await db.query('BEGIN');
        await db.query(`UPDATE ${table} SET ${other} = $1 WHERE ${key} = $2`, values);
      }
      await db.query(`UPDATE ${table} SET email = $1 WHERE ${key} = $2`, values);
      if (inTransactions) await db.query(Math.random() < 0.1 ? 'ROLLBACK' : 'COMMIT');
    } catch (error) {
      const code = (error as { code?: string }).code ?? 'unknown';
      state.errors[code] = (state.errors[code] ?? 0) + 1;
      await db.query('ROLLBACK').catch(() => undefined);
    }
    state.slowestMs = Math.max(state.slowestMs, performance.now() - began);
  }
  await db.end();
}
