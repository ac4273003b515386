import type { JudgeContext, JudgedMigration, Judgement, Node, Rule } from '../rule.ts';
import { type AddedConstraint, addedConstraints, alterations, asSql, nodes, text } from '../syntax.ts';

const KINDS: Readonly<Record<string, string>> = { CONSTR_CHECK: 'the check', CONSTR_FOREIGN: 'the foreign key' };

export const validatingConstraint: Rule = {
  code: 'validating_constraint',
  title: 'A constraint looks at every row while others wait',
  why: 'ADD CONSTRAINT reads the whole table under its lock: of a check that keeps reads and writes out, of a foreign key writes to both tables.',
  safely: 'NOT VALID in one migration, VALIDATE CONSTRAINT in another one: that reads the rows while writes go on.',
  examples: {
    found: 'ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18);',
    silent: 'ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18) NOT VALID;',
  },
  judge(migration, context) {
    const added = addedConstraints(migration);
    const blocking = added.flatMap(({ contype, constraint, table, type, def, statement }): Judgement[] => {
      const kind = KINDS[contype];
      if (kind === undefined || constraint.skip_validation === true || context.isNew(table)) return [];
      // A new column without a default refers to nothing: PostgreSQL does not look.
      if (type === 'AT_AddColumn' && contype === 'CONSTR_FOREIGN' && !hasDefault(def)) return [];
      const name = text(constraint, 'conname');
      const who =
        contype === 'CONSTR_FOREIGN' ? `Writes to ${table} and to the other table` : `Reads and writes of ${table}`;
      const message = `${who} wait while every row is read for ${name || kind}.`;
      const apart = type === 'AT_AddColumn' ? ' by itself, after the column' : '';
      const named = name === '' ? ', under a name,' : '';
      const remedy = `Add it with NOT VALID${named}${apart}, and validate it in a migration of its own: ALTER TABLE ${asSql(table)} VALIDATE CONSTRAINT ${name === '' ? '...' : asSql(name)}.`;
      return [{ line: statement.line, severity: 'error', message, remedy }];
    });
    return [...blocking, ...validatedAtOnce(migration, added, context)];
  },
};

const hasDefault = (column: Node | undefined): boolean =>
  nodes(column, 'constraints').some(({ node }) => text(node, 'contype') === 'CONSTR_DEFAULT');

/** The lock of ADD is held until the transaction ends, and with it while the rows are read. */
function validatedAtOnce(
  migration: JudgedMigration,
  added: readonly AddedConstraint[],
  context: JudgeContext,
): Judgement[] {
  if (!migration.isInTransaction) return [];
  return alterations(migration).flatMap(({ type, table, name, statement: { line } }): Judgement[] => {
    const isOwn = added.some((one) => one.table === table && text(one.constraint, 'conname') === name);
    if (type !== 'AT_ValidateConstraint' || !isOwn || context.isNew(table)) return [];
    const message = `${name} is added and validated in one transaction: writes to ${table} wait while every row is read, as without NOT VALID.`;
    return [{ line, severity: 'error', message, remedy: 'Validate it in a migration of its own.' }];
  });
}
