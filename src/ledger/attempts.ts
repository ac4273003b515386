import { all, type LedgerDb, one } from '../postgres/queryable.ts';
import { ledgerOf } from './connection.ts';

export type Direction = 'up' | 'down' | 'resolve';

/** What an attempt that did not end well says of itself. */
interface AttemptError {
  readonly code: string;
  readonly message: string;
}

/** What is said of an attempt whose runner died, or never heard the answer to its last COMMIT. */
const LEFT: AttemptError = {
  code: 'PH5004',
  message: 'It did not come to its end: its runner died, or lost its connection.',
};

/**
 * The history of a run need not wait for the disk. What the migration commits comes later in PostgreSQL's log, and takes the beginning of its attempt along; an end
 * that a crash of the server has lost is told by the ledger itself at the next run. A hand's word stands in one transaction with its row, which does wait.
 */
const unhurried = (direction: Direction): string =>
  `unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', ${direction === 'resolve' ? `current_setting('synchronous_commit')` : `'off'`}, true))`;

/** An entry of the history that has begun. */
export interface Attempt {
  readonly number: string;
  /** Ends it, with the error where there was one. */
  end(error?: AttemptError): Promise<void>;
}

/** Begins an entry of the history. */
export async function beginAttempt(
  db: LedgerDb,
  migration: string,
  direction: Direction,
  run: string,
): Promise<Attempt> {
  const { number } = await one<{ number: string }>(
    db,
    `WITH ${unhurried(direction)}
     INSERT INTO ${ledgerOf(db)}.attempts (migration, direction, run) SELECT $1, $2, $3 FROM unhurried RETURNING number`,
    [migration, direction, run],
  );
  return {
    number,
    async end(error) {
      await db.query(endAttempt(ledgerOf(db), direction), [number, error?.code, error?.message]);
    },
  };
}

/** What came of an attempt the ledger tells: an error may come after all was committed. A hand's word is done with its row. */
const endAttempt = (ledger: string, direction: Direction): string => `
  WITH ${unhurried(direction)}
  UPDATE ${ledger}.attempts AS a SET finished_at = clock_timestamp(), outcome = CASE WHEN came.about THEN 'done' ELSE 'failed' END,
    error_code = CASE WHEN NOT came.about THEN $2 END, error = CASE WHEN NOT came.about THEN $3 END
  FROM (SELECT tried.number, CASE tried.direction WHEN 'up' THEN coalesce(m.state = 'applied', false) WHEN 'down' THEN m.id IS NULL ELSE true END AS about
    FROM ${ledger}.attempts AS tried LEFT JOIN ${ledger}.migrations AS m ON m.id = tried.migration) AS came, unhurried
  WHERE came.number = a.number AND a.number = $1`;

/** Says of attempts that nobody ended what came of them. Only under the runner's lock, when none is going on. */
export async function endLeftAttempts(db: LedgerDb): Promise<void> {
  const ledger = ledgerOf(db);
  const left = await all<{ number: string }>(
    db,
    `SELECT number FROM ${ledger}.attempts WHERE outcome IS NULL
       AND number IN (SELECT max(number) FROM ${ledger}.attempts GROUP BY migration)`,
  );
  for (const { number } of left) await db.query(endAttempt(ledgerOf(db), 'up'), [number, LEFT.code, LEFT.message]);
}

/** The error of a migration's last attempt, or null. */
export async function lastError(db: LedgerDb, migration: string): Promise<string | null> {
  const [row] = await all<{ error: string | null }>(
    db,
    `SELECT error FROM ${ledgerOf(db)}.attempts WHERE migration = $1 ORDER BY number DESC LIMIT 1`,
    [migration],
  );
  return row?.error ?? null;
}

/** A migration that failed. */
export interface FailedAttempt extends AttemptError {
  readonly id: string;
}

/**
 * The first of some migrations whose last attempt failed within a time, and was not begun again since.
 * @param after a time of the server, as PostgreSQL prints it. @param ageMs how long ago it has to have failed.
 */
export async function failedAttempt(
  db: LedgerDb,
  migrations: readonly string[],
  { after, ageMs }: { readonly after: string; readonly ageMs: number },
): Promise<FailedAttempt | null> {
  const ledger = ledgerOf(db);
  const [failed] = await all<FailedAttempt>(
    db,
    `SELECT migration AS id, error_code AS code, error AS message FROM ${ledger}.attempts
     WHERE number IN (SELECT max(number) FROM ${ledger}.attempts WHERE migration = ANY ($1) GROUP BY migration)
       AND outcome = 'failed' AND direction = 'up' AND finished_at > $2::timestamptz
       AND finished_at <= clock_timestamp() - pg_catalog.make_interval(secs => $3::float8 / 1000) ORDER BY number LIMIT 1`,
    [migrations, after, ageMs],
  );
  return failed ?? null;
}

/** Those of some migrations that nobody has ever tried here: what knex had run counts as applied from the beginning. */
export async function neverTried(db: LedgerDb, migrations: readonly string[]): Promise<string[]> {
  const rows = await all<{ id: string }>(
    db,
    `SELECT id FROM pg_catalog.unnest($1::text[]) AS given(id)
     WHERE NOT EXISTS (SELECT FROM ${ledgerOf(db)}.attempts AS a WHERE a.migration = given.id AND a.direction <> 'down')`,
    [migrations],
  );
  return rows.map(({ id }) => id);
}
