import type { Judgement, Rule } from '../rule.ts';
import { alterations, nodes } from '../syntax.ts';

export const dropColumn: Rule = {
  code: 'drop_column',
  title: 'A column or a table is dropped that a living release may use',
  why: 'What is dropped is gone for the release before, which is still alive while this one is rolled out; and so are the values.',
  safely:
    'Stop using it in one release; drop it in a later one, with the range of releases that it breaks in the manifest (breaks), so that phase holds it until they are gone.',
  examples: {
    found: 'ALTER TABLE users DROP COLUMN nick;',
    silent: 'ALTER TABLE users ALTER COLUMN nick DROP NOT NULL;',
  },
  async judge(migration, context) {
    const columns: Judgement[] = [];
    for (const { type, table, name, statement } of alterations(migration)) {
      if (type !== 'AT_DropColumn' || context.isNew(table)) continue;
      const usages = await context.usagesOf(name, table);
      const [first] = usages;
      columns.push({
        line: statement.line,
        severity: first === undefined ? 'warning' : 'error',
        message:
          first === undefined
            ? `${table}.${name} is dropped; the code of this release does not name it, that of the release before may.`
            : `${table}.${name} is dropped, and the code of this very release names it: ${first.file}:${first.line}.`,
        remedy:
          'Drop it in a release after the one that stopped using it, and say in the manifest which releases it breaks (breaks: "<1.5.0"): they hold it.',
      });
    }
    const tables = migration.statements.flatMap(({ kind, node, line }) => {
      if (kind !== 'DropStmt' || node.removeType !== 'OBJECT_TABLE') return [];
      return nodes(node, 'objects').flatMap((object): Judgement[] => {
        const parts = nodes(object.node, 'items').map((item) => String(item.node.sval ?? ''));
        const table = parts.length > 1 ? parts.slice(-2).join('.') : `public.${parts[0]}`;
        if (context.isNew(table)) return [];
        const message = `${table} is dropped, with its rows; the release before may read it.`;
        const remedy =
          'Drop it in a release after the one that stopped using it, and say in the manifest which releases it breaks (breaks): they hold it.';
        return [{ line, severity: 'warning', message, remedy }];
      });
    });
    return [...columns, ...tables];
  },
};
