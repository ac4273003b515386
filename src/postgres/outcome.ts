import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { isConnectionLost } from './errors.ts';
import { all, one, type Queryable } from './queryable.ts';

/** How long a transaction whose answer was lost is asked after: longer than the server needs to find that its client is gone. */
const PATIENCE_MS = 30_000;
const POLL_MS = 200;

type Outcome = 'committed' | 'rolled back' | 'unknown';

/**
 * Runs a transaction, and asks the server what came of it where the answer to its COMMIT is lost: a lost answer is neither
 * a failure nor a success.
 * @param connect opens another connection to the same database.
 * @param run is handed what it has to call as the last thing before the COMMIT, with the transaction's number where it knows it.
 * @throws PH5024 when the server cannot say; else what `run` throws, and then it is rolled back.
 */
export async function withKnownOutcome(
  connect: () => Promise<pg.Client>,
  run: (beforeCommit: (db: Queryable, known?: string) => Promise<void>) => Promise<unknown>,
): Promise<void> {
  let transaction: string | null = null;
  try {
    await run(async (db, known) => {
      transaction =
        known ?? (await one<{ number: string }>(db, 'SELECT pg_catalog.pg_current_xact_id()::text AS number')).number;
    });
  } catch (error) {
    if (transaction === null || !isConnectionLost(error)) throw error;
    const outcome = await outcomeOf(transaction, connect);
    if (outcome === 'unknown') throw new PhaseError('PH5024', { transaction }, { cause: error });
    if (outcome === 'rolled back') throw error;
  }
}

/** Whether what went wrong leaves it open if a transaction was committed. */
export function isOutcomeUnknown(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'PH5024';
}

/** Source: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT, pg_xact_status. */
async function outcomeOf(transaction: string, connect: () => Promise<pg.Client>): Promise<Outcome> {
  const until = Date.now() + PATIENCE_MS;
  do {
    const status = await ask(transaction, connect).catch(() => null);
    if (status === 'committed') return 'committed';
    if (status === 'aborted') return 'rolled back';
    await sleep(POLL_MS);
  } while (Date.now() < until);
  return 'unknown';
}

async function ask(transaction: string, connect: () => Promise<pg.Client>): Promise<string | null> {
  const client = await connect();
  try {
    const [row] = await all<{ status: string | null }>(
      client,
      'SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8) AS status',
      [transaction],
    );
    return row?.status ?? null;
  } finally {
    await client.end().catch(() => undefined);
  }
}
