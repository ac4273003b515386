import type { Judgement, Rule } from '../rule.ts';
import { field, tableName, text } from '../syntax.ts';

export const blockingIndex: Rule = {
  code: 'blocking_index',
  title: 'An index is built or dropped while writes wait',
  why: 'CREATE INDEX keeps writes to the table out until every row is read; DROP INDEX keeps reads out, too, as long as it waits for those that are under way.',
  safely:
    'CONCURRENTLY, outside a transaction (first line -- phase:no-transaction); in TypeScript, and for partitioned tables, createIndex and dropIndex of triphase.',
  examples: {
    found: 'CREATE INDEX users_email ON users (email);',
    silent: '-- phase:no-transaction\nCREATE INDEX CONCURRENTLY users_email ON users (email);',
  },
  judge({ statements }, context) {
    return statements.flatMap(({ kind, node, line }): Judgement[] => {
      if (kind === 'IndexStmt' && node.concurrent !== true) {
        const relation = field(node, 'relation');
        const table = tableName(relation);
        // On the table alone, an index of a partitioned one holds nothing.
        if (context.isNew(table) || relation?.inh !== true) return [];
        const message = `Writes to ${table} wait until ${text(node, 'idxname') || 'the index'} is built.`;
        const remedy =
          'Build it CONCURRENTLY, in a migration whose first line is -- phase:no-transaction; or by createIndex of triphase.';
        return [{ line, severity: 'error', message, remedy }];
      }
      if (kind === 'DropStmt' && node.removeType === 'OBJECT_INDEX' && node.concurrent !== true) {
        const message = 'Reads and writes wait behind DROP INDEX as long as it waits for those that are under way.';
        const remedy =
          'Drop it CONCURRENTLY, in a migration whose first line is -- phase:no-transaction; or by dropIndex of triphase.';
        return [{ line, severity: 'warning', message, remedy }];
      }
      return [];
    });
  },
};
