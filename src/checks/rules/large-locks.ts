import type { Rule } from '../rule.ts';

/** From here on a lock on two of them at once is worth a word. */
const LARGE_BYTES = 64 * 1024 * 1024;

const STRONGEST = 'AccessExclusiveLock';

export const severalLocks: Rule = {
  code: 'several_locks',
  title: 'One transaction locks several large tables',
  why: 'It holds the first while it waits for the next, and everybody who needs the first waits with it; two such transactions in another order end in a deadlock.',
  safely: 'A migration for each table.',
  examples: {
    found:
      'ALTER TABLE users ADD COLUMN a int;\nALTER TABLE orders ADD COLUMN b int; -- both are large in the database',
    silent: 'ALTER TABLE users ADD COLUMN a int;',
  },
  judge({ isInTransaction, locks }, context) {
    if (!isInTransaction) return [];
    const large = [...locks]
      .filter(
        ([table, modes]) =>
          modes.has(STRONGEST) && !context.isNew(table) && (context.sizeOf(table) ?? 0) >= LARGE_BYTES,
      )
      .map(([table]) => table);
    if (large.length < 2) return [];
    const message = `One transaction locks ${large.join(', ')}, which are large: reads and writes of the first wait while it waits for the others.`;
    return [{ line: null, severity: 'warning' as const, message, remedy: 'Make a migration for each table.' }];
  },
};
