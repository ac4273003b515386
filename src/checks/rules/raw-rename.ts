import type { JudgeContext, JudgedStatement, Judgement, Node, Rule } from '../rule.ts';
import { asSql, field, madeBy, objectName, objectWord, tableName, text } from '../syntax.ts';

export const rawRename: Rule = {
  code: 'raw_rename',
  title: 'A column, a table or something else that releases name is renamed at once',
  why: 'Instances of the release before still read and write the old name while this runs, and until the last of them is gone: each of their statements fails.',
  safely:
    'phase new rename-column renames it in three releases, with both names alive in between; a table phase new rename-table in one, with a view of the old name.',
  examples: {
    found: 'ALTER TABLE users RENAME COLUMN email TO email_address;',
    silent: 'ALTER TABLE users ADD COLUMN email_address text;',
  },
  judge({ statements }, context) {
    return statements.flatMap((statement): Judgement[] => {
      const { line } = statement;
      const renamed = renamedBy(statement, context);
      if (renamed === null || context.isNew(renamed.table)) return [];
      // A view of the old name in the same migration is what releases go on with.
      if (statements.some((one) => one.kind === 'ViewStmt' && madeBy(one, context.schemaOf) === renamed.what))
        return [];
      const message = `${renamed.what} is renamed to ${renamed.to} while the release before uses it.`;
      return [{ line, severity: 'error', message, remedy: renamed.remedy }];
    });
  },
};

interface Renamed {
  readonly table: string;
  /** `public.users.email`, `the view public.w`. */
  readonly what: string;
  readonly to: string;
  readonly remedy: string;
}

const COLUMNS_OF: ReadonlySet<string> = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', '']);

/** What releases name in their statements. */
const NAMED: ReadonlySet<string> = new Set([
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FUNCTION',
  'OBJECT_PROCEDURE',
  'OBJECT_SCHEMA',
  'OBJECT_SEQUENCE',
]);

const LATER = 'Make the new one beside it, and drop the old one once the release before is gone.';
const VIEW =
  'phase new rename-table leaves a view of the old name, in the same transaction, until that release is gone; or keep the name.';

function renamedBy({ kind, node }: JudgedStatement, context: JudgeContext): Renamed | null {
  const table = tableName(field(node, 'relation'));
  if (kind === 'AlterEnumStmt' && text(node, 'oldVal') !== '') {
    const type = objectName({ kind: 'TypeName', node: { names: node.typeName } }, context.schemaOf);
    const remedy = 'Add the new value (ADD VALUE), write it from this release on, and leave the old one.';
    return { table: type, what: `The value ${text(node, 'oldVal')} of ${type}`, to: text(node, 'newVal'), remedy };
  }
  if (kind === 'AlterObjectSchemaStmt' && text(node, 'objectType') === 'OBJECT_TABLE')
    return { table, what: table, to: `${text(node, 'newschema')}.${table.replace(/^.*\./, '')}`, remedy: VIEW };
  if (kind !== 'RenameStmt') return null;
  const [type, from, to] = [text(node, 'renameType'), text(node, 'subname'), text(node, 'newname')];
  if (type === 'OBJECT_TABLE') return { table, what: table, to, remedy: VIEW };
  if (type === 'OBJECT_COLUMN' && context.isNewColumn(table, from)) return null;
  if (type === 'OBJECT_COLUMN' && COLUMNS_OF.has(text(node, 'relationType'))) {
    const isOfView = /VIEW$/.test(text(node, 'relationType'));
    const remedy = isOfView
      ? 'Give the view the new column beside the old one, and take that out once the release before is gone.'
      : `phase new rename-column --table ${asSql(table)} --from ${asSql(from)} --to ${asSql(to)} renames it in three releases.`;
    return { table, what: `${table}.${from}`, to, remedy };
  }
  if (!NAMED.has(type)) return null;
  const [object] = Object.entries((node.object ?? {}) as Record<string, Node>);
  const name =
    from || (object === undefined ? table : objectName({ kind: object[0], node: object[1] }, context.schemaOf));
  return { table: name, what: `The ${objectWord(type)} ${name}`, to, remedy: LATER };
}
