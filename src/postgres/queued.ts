import type { LedgerDb } from './queryable.ts';

/** A connection that several parts of the code ask at the same time: one query after the other, in the order asked. */
export function queued(db: LedgerDb): LedgerDb {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ledgerSchema: db.ledgerSchema,
    query(text, values) {
      const result = last.then(() => db.query(text, values));
      last = result.catch(() => undefined);
      return result;
    },
  };
}
