import type { JudgeContext, JudgedMigration, JudgedStatement, Judgement, Rule } from '../rule.ts';
import { alterations, madeBy, nodes, objectName, objectWord, text } from '../syntax.ts';

export const dropColumn: Rule = {
  code: 'drop_column',
  title: 'A column, a table or something else is dropped that a living release may use',
  why: 'What is dropped is gone for the release before, which is still alive while this one is rolled out; and so are the values.',
  safely:
    'Stop using it in one release; drop it in a later one, with the range of releases that it breaks in the manifest (breaks), so that phase holds it until they are gone. For a column phase new drop-column writes that.',
  examples: {
    found: 'ALTER TABLE users DROP COLUMN nick;',
    silent: 'ALTER TABLE users ALTER COLUMN nick DROP NOT NULL;',
  },
  async judge(migration, context) {
    const columns: Judgement[] = [];
    for (const { type, table, name, statement } of alterations(migration)) {
      if (type !== 'AT_DropColumn' || context.isNew(table) || context.isNewColumn(table, name)) continue;
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
    const objects = migration.statements.flatMap((statement) => droppedBy(statement, migration, context));
    return [...columns, ...objects, ...keys(migration, context)];
  },
};

const KEYS: Readonly<Record<string, string>> = { u: 'unique', p: 'primary' };

function keys(migration: JudgedMigration, context: JudgeContext): Judgement[] {
  return alterations(migration).flatMap(({ type, table, name, statement: { line } }): Judgement[] => {
    const word = type === 'AT_DropConstraint' ? KEYS[context.keyBefore(table, name) ?? ''] : undefined;
    if (word === undefined || context.isNew(table)) return [];
    const message = `The ${word} key ${name} of ${table} is dropped: rows may be there twice from then on, and ON CONFLICT of the release before fails.`;
    const remedy =
      'Drop it in a release after the one that stopped relying on it; one that takes its place comes first.';
    return [{ line, severity: 'warning', message, remedy }];
  });
}

/** What releases name in their statements. */
const NAMED: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FUNCTION',
  'OBJECT_PROCEDURE',
  'OBJECT_SEQUENCE',
  'OBJECT_TYPE',
  'OBJECT_SCHEMA',
]);

function droppedBy(
  { kind, node, line }: JudgedStatement,
  { statements }: JudgedMigration,
  context: JudgeContext,
): Judgement[] {
  const type = text(node, 'removeType');
  if (kind !== 'DropStmt' || !NAMED.has(type)) return [];
  return nodes(node, 'objects').flatMap((object): Judgement[] => {
    const name = objectName(object, context.schemaOf);
    // What is made anew in the same migration is another version of it.
    const isMadeAnew = statements.some((one) => madeBy(one, context.schemaOf) === name);
    if (context.isNew(name)) return [];
    const lost = isMadeAnew ? context.lostColumns(name) : [];
    if (lost.length > 0) {
      const message = `${name} is made anew without ${lost.join(', ')}; the release before may read that.`;
      return [{ line, severity: 'warning', message, remedy: 'Leave it in until that release is gone.' }];
    }
    if (isMadeAnew) return [];
    const message =
      type === 'OBJECT_TABLE'
        ? `${name} is dropped, with its rows; the release before may read it.`
        : `The ${objectWord(type)} ${name} is dropped; the release before may use it.`;
    const remedy =
      'Drop it in a release after the one that stopped using it, and say in the manifest which releases it breaks (breaks): they hold it.';
    return [{ line, severity: 'warning', message, remedy }];
  });
}
