import type { Node, Rule } from '../rule.ts';
import { alterations, field, nodes, text } from '../syntax.ts';

export const typeChange: Rule = {
  code: 'type_change_rewrites',
  title: 'A change of type writes the table anew',
  why: 'PostgreSQL writes every row and every index again, under a lock that keeps reads and writes out until it is done; and the release before may not know the new type.',
  safely:
    'phase new retype-column: a new column, kept in sync and filled in batches, takes the name in a later release. Changes that write nothing anew (varchar to text, a longer varchar) are no finding.',
  examples: {
    found: 'ALTER TABLE users ALTER COLUMN age TYPE bigint;',
    silent: 'ALTER TABLE users ALTER COLUMN email TYPE text;',
  },
  judge(migration, context) {
    const changes = alterations(migration).filter(({ type }) => type === 'AT_AlterColumnType');
    return changes.flatMap(({ table, name, def, statement }) => {
      if (context.isNew(table) || !migration.rewritten.has(table)) return [];
      // Of several in one table it is one of those that write something.
      const before = context.columnBefore(table, name)?.type;
      const isAlone = changes.filter((one) => one.table === table).length === 1;
      if (!isAlone && isTextual(before) && isText(def)) return [];
      const message = `The new type of ${table}.${name} writes the whole table anew, while nobody can read or write it.`;
      const remedy =
        'Add a column of the new type, fill it in batches (phase new data) and switch to it in a later release; or run it while nothing is alive (phase migrate --maintenance), with a silence that says so.';
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};

const isTextual = (type: string | undefined): boolean => /^(?:text|character varying)\b/.test(type ?? '');

/** Text, or varchar without a length. */
function isText(def: Node | undefined): boolean {
  const type = field(def, 'typeName');
  const name = text(nodes(type, 'names').at(-1)?.node, 'sval');
  return name === 'text' || (name === 'varchar' && nodes(type, 'typmods').length === 0);
}
