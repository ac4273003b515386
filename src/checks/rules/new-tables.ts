import type { Judgement, Rule } from '../rule.ts';
import { addedConstraints, asSql, field, nodes, tableName, text } from '../syntax.ts';

export const noPrimaryKey: Rule = {
  code: 'no_primary_key',
  title: 'A new table has no primary key',
  why: 'Its rows cannot be told apart: logical replication, audits of changes and backfills by key need one.',
  safely: 'A primary key, in the statement that makes the table.',
  examples: {
    found: 'CREATE TABLE notes (id bigint, text text);',
    silent: 'CREATE TABLE notes (id bigint PRIMARY KEY, text text);',
  },
  judge(migration, context) {
    return migration.statements.flatMap(({ kind, node, line }) => {
      const relation = kind === 'CreateTableAsStmt' ? field(field(node, 'into'), 'rel') : field(node, 'relation');
      const isTable =
        kind === 'CreateStmt' || (kind === 'CreateTableAsStmt' && text(node, 'objtype') === 'OBJECT_TABLE');
      if (!isTable || relation?.relpersistence === 't' || node.partbound !== undefined) return [];
      const table = tableName(relation);
      if (context.hasKey(table)) return [];
      const message = `${table} has no primary key, and no unique one over columns that are NOT NULL.`;
      return [
        {
          line,
          severity: 'warning' as const,
          message,
          remedy:
            'Give it one, over the columns that tell its rows apart, or id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, say.',
        },
      ];
    });
  },
};

export const foreignKeyWithoutIndex: Rule = {
  code: 'foreign_key_without_index',
  title: 'A new foreign key has no index',
  why: 'Each DELETE, and each change of the key, in the other table reads this whole table to find the rows that refer to it.',
  safely:
    'An index that begins with the columns of the foreign key; on a table that is there, CONCURRENTLY, before the foreign key.',
  examples: {
    found: 'CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint REFERENCES users);',
    silent:
      'CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint REFERENCES users);\nCREATE INDEX notes_user ON notes (user_id);',
  },
  judge(migration, context) {
    const ofNew = migration.statements.flatMap(({ kind, node, line }) => {
      if (kind !== 'CreateStmt') return [];
      const table = tableName(field(node, 'relation'));
      return nodes(node, 'tableElts').flatMap((element) => {
        if (element.kind === 'Constraint')
          return text(element.node, 'contype') === 'CONSTR_FOREIGN'
            ? [{ table, line, columns: columnsOf(element.node) }]
            : [];
        const inline = nodes(element.node, 'constraints').some((one) => text(one.node, 'contype') === 'CONSTR_FOREIGN');
        return inline ? [{ table, line, columns: [text(element.node, 'colname')] }] : [];
      });
    });
    const added = addedConstraints(migration)
      .filter(({ contype }) => contype === 'CONSTR_FOREIGN')
      .map(({ table, statement, constraint, type, def }) => ({
        table,
        line: statement.line,
        columns: type === 'AT_AddColumn' ? [text(def, 'colname')] : columnsOf(constraint),
      }));
    return [...ofNew, ...added].flatMap(({ table, line, columns }): Judgement[] => {
      if (context.isIndexed(table, columns)) return [];
      const message = `The foreign key of ${table} (${columns.join(', ')}) has no index that begins with its columns.`;
      return [
        {
          line,
          severity: 'warning',
          message,
          remedy: `CREATE INDEX CONCURRENTLY ON ${asSql(table)} (${columns.map(asSql).join(', ')}); on a new table without CONCURRENTLY.`,
        },
      ];
    });
  },
};

const columnsOf = (constraint: Parameters<typeof nodes>[0]): string[] =>
  nodes(constraint, 'fk_attrs').map(({ node }) => String(node.sval ?? ''));
