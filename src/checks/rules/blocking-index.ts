import type { JudgeContext, JudgedStatement, Judgement, Rule } from '../rule.ts';
import { field, nodes, objectName, tableName, text } from '../syntax.ts';

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
    return statements.flatMap((statement) => {
      if (statement.kind === 'IndexStmt') return builtBy(statement, context);
      return statement.kind === 'DropStmt' && text(statement.node, 'removeType') === 'OBJECT_INDEX'
        ? droppedBy(statement, context)
        : [];
    });
  },
};

function builtBy({ node, line }: JudgedStatement, context: JudgeContext): Judgement[] {
  const relation = field(node, 'relation');
  const table = tableName(relation);
  const name = text(node, 'idxname');
  // On the table alone, an index of a partitioned one holds nothing.
  if (node.concurrent === true || context.isNew(table) || relation?.inh !== true) return [];
  if (node.if_not_exists === true && context.wasThere(`${table.replace(/\.[^.]*$/, '')}.${name}`)) return [];
  const message = `Writes to ${table} wait until ${name || 'the index'} is built.`;
  const remedy = context.isPartitioned(table)
    ? 'The table is partitioned: createIndex of triphase builds it on each partition, and attaches them.'
    : 'Build it CONCURRENTLY, in a migration whose first line is -- phase:no-transaction; or by createIndex of triphase.';
  return [{ line, severity: 'error', message, remedy }];
}

function droppedBy({ node, line }: JudgedStatement, context: JudgeContext): Judgement[] {
  if (node.concurrent === true) return [];
  const names = nodes(node, 'objects')
    .map((object) => objectName(object, context.schemaOf))
    .filter((name) => !context.isNew(name));
  if (names.length === 0) return [];
  const message = `Reads and writes wait behind DROP INDEX ${names.join(', ')} as long as it waits for those that are under way.`;
  const each = names.length > 1 ? ' each by itself' : '';
  const remedy = `Drop it CONCURRENTLY${each}, in a migration whose first line is -- phase:no-transaction; or by dropIndex of triphase.`;
  return [{ line, severity: 'warning', message, remedy }];
}
