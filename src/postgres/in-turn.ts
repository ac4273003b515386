import type { Queryable } from './queryable.ts';

/** A connection that several parts of the code ask at the same time: one query after the other, in the order asked. */
export function inTurn(db: Queryable): Queryable {
  let last: Promise<unknown> = Promise.resolve();
  return {
    query(text, values) {
      const result = last.then(() => db.query(text, values));
      last = result.catch(() => undefined);
      return result;
    },
  };
}
