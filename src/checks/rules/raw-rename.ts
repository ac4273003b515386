import type { Rule } from '../rule.ts';
import { field, tableName, text } from '../syntax.ts';

export const rawRename: Rule = {
  code: 'raw_rename',
  title: 'A column or a table is renamed at once',
  why: 'Instances of the release before still read and write the old name while this runs, and until the last of them is gone: each of their statements fails.',
  safely: 'phase new rename-column renames it in three releases, with both names alive in between.',
  examples: {
    found: 'ALTER TABLE users RENAME COLUMN email TO email_address;',
    silent: 'ALTER TABLE users ADD COLUMN email_address text;',
  },
  judge({ statements }, context) {
    return statements.flatMap(({ kind, node, line }) => {
      const what = text(node, 'renameType');
      const table = tableName(field(node, 'relation'));
      const isColumn = what === 'OBJECT_COLUMN' && ['OBJECT_TABLE', ''].includes(text(node, 'relationType'));
      if (kind !== 'RenameStmt' || (!isColumn && what !== 'OBJECT_TABLE') || context.isNew(table)) return [];
      const [from, to] = [text(node, 'subname'), text(node, 'newname')];
      return [
        isColumn
          ? {
              line,
              severity: 'error' as const,
              message: `${table}.${from} is renamed to ${to} while the release before reads and writes it.`,
              remedy: `phase new rename-column --table ${table} --from ${from} --to ${to} renames it in three releases.`,
            }
          : {
              line,
              severity: 'error' as const,
              message: `${table} is renamed to ${to} while the release before reads and writes it.`,
              remedy: `Leave a view of the old name until that release is gone, in the same transaction; or keep the name.`,
            },
      ];
    });
  },
};
