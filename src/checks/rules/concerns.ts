import type { JudgedStatement, Node, Rule } from '../rule.ts';
import { field, nodes, tableName } from '../syntax.ts';

const DML: ReadonlySet<string> = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'TruncateStmt',
  'CopyStmt',
]);
const DDL = /^(?:Create|Alter|Drop|Rename|Index|View|Comment|Grant)\w*Stmt$/;

const isTemporary = ({ node }: JudgedStatement): boolean =>
  [field(node, 'relation'), field(field(node, 'into'), 'rel')].some((relation) => relation?.relpersistence === 't');

const CATALOGUE = {
  message: "This migration changes rows of PostgreSQL's own catalogue, which nothing checks.",
  remedy:
    'Use the statement that does it: ALTER INDEX, ALTER TABLE, DROP; what it does to caches and other sessions comes with it.',
};

/** Of a statement that changes rows, also in what stands before it (WITH). */
function tablesWritten(kind: string, node: Node): string[] {
  const before = nodes(field(node, 'withClause'), 'ctes').flatMap((cte) => {
    const [inner] = Object.entries((cte.node.ctequery ?? {}) as Record<string, Node>);
    return inner === undefined ? [] : tablesWritten(...inner);
  });
  if (!DML.has(kind) || (kind === 'CopyStmt' && node.is_from !== true)) return before;
  const relations =
    kind === 'TruncateStmt' ? nodes(node, 'relations').map((one) => one.node) : [field(node, 'relation')];
  return [...before, ...relations.map(tableName)];
}

export const dataInSchema: Rule = {
  code: 'data_in_schema',
  title: 'A schema migration changes rows',
  why: 'Its locks are held until all rows are written; there is no audit of what was changed, no batches, and nothing to go on from after an interruption.',
  safely: 'A data migration: phase new data. It runs in the same order, with audits, in batches where wanted.',
  examples: {
    found: "UPDATE users SET country = 'GB' WHERE country IS NULL;",
    silent: "ALTER TABLE users ALTER COLUMN country SET DEFAULT 'GB';",
  },
  judge({ kind, statements }, context) {
    if (kind !== 'schema') return [];
    return statements.flatMap((statement) => {
      const table = tablesWritten(statement.kind ?? '', statement.node).find(
        (one) => one.startsWith('pg_catalog.') || !context.isNew(one),
      );
      if (table === undefined) return [];
      if (table.startsWith('pg_catalog.')) return [{ line: statement.line, severity: 'error' as const, ...CATALOGUE }];
      const message = `This schema migration changes rows of ${table}, without an audit and in one transaction with its locks.`;
      const remedy = 'Put it into a data migration: phase new data NAME.';
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};

export const schemaInData: Rule = {
  code: 'schema_in_data',
  title: 'A data migration changes the schema',
  why: 'phase runs schema and data migrations in one order, and holds each as its releases need: a change of the schema in a data migration is held, and undone, with the rows.',
  safely: 'A schema migration before it: phase new schema.',
  examples: { found: 'ALTER TABLE users ADD COLUMN done boolean;', silent: 'UPDATE users SET done = true;' },
  judge({ kind, statements }) {
    if (kind !== 'data') return [];
    return statements.flatMap((statement) => {
      if (!DDL.test(statement.kind ?? '') || isTemporary(statement)) return [];
      const message = 'This data migration changes the schema.';
      return [
        {
          line: statement.line,
          severity: 'error' as const,
          message,
          remedy: 'Put it into a schema migration before it: phase new schema NAME.',
        },
      ];
    });
  },
};
