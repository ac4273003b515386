import type { Queryable } from './queryable.ts';
import { underQualifiedNames } from './session.ts';
import { inRolledBackTransaction } from './transaction.ts';

/** Reads what belongs together, in a transaction that is rolled back, and is ours: nothing that somebody made is taken for PostgreSQL's own. */
export function looking<T>(db: Queryable, body: () => Promise<T>): Promise<T> {
  return inRolledBackTransaction(db, () => underQualifiedNames(db, body));
}
