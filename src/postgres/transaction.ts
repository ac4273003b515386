import type { Queryable } from './queryable.ts';
import { beginAsAlways, isWithinTransaction } from './session.ts';

/**
 * Runs something in one transaction on a connection that is not in one, and commits; rolls back on any error.
 * The error of the body is what the caller sees, also when the rollback fails.
 */
export async function inTransaction<T>(client: Queryable, body: () => Promise<T>, begin = 'BEGIN'): Promise<T> {
  await client.query(begin);
  try {
    const result = await body();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** The same, and rolls back in any case: for looking at what a change would give. In a transaction already, as a part of it. */
export async function inRolledBackTransaction<T>(client: Queryable, body: () => Promise<T>): Promise<T> {
  if (isWithinTransaction(client)) return inRolledBackPart(client, body);
  await beginAsAlways(client);
  try {
    return await body();
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

async function inRolledBackPart<T>(client: Queryable, body: () => Promise<T>): Promise<T> {
  await client.query('SAVEPOINT looking');
  try {
    return await body();
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT looking; RELEASE SAVEPOINT looking').catch(() => undefined);
  }
}

/** Runs something as a part of the transaction that there is: where it fails, what it did is undone, and the transaction goes on. */
export async function inSavepoint<T>(db: Queryable, body: () => Promise<T>): Promise<T> {
  await db.query('SAVEPOINT part');
  try {
    const result = await body();
    await db.query('RELEASE SAVEPOINT part');
    return result;
  } catch (error) {
    await db.query('ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part');
    throw error;
  }
}
