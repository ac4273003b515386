import type { Finding } from '../domain/finding.ts';

/** A change of data in one transaction that would be large on the database that was asked. */
export function checkLargeChange(file: string, name: string, rows: number, smallChange: number): Finding {
  return {
    code: 'large_change',
    severity: 'warning',
    file,
    line: null,
    message: `${name} would change about ${Math.round(rows)} rows in one transaction (smallChange is ${smallChange}), which keeps them locked until it ends.`,
    remedy:
      'Write pre and post in two calls without change, and the change between them by backfill({ table, set, where }) or inBatches.',
  };
}
