import type { Rule } from '../rule.ts';
import { addedConstraints, text } from '../syntax.ts';

const KINDS: Readonly<Record<string, string>> = { CONSTR_CHECK: 'the check', CONSTR_FOREIGN: 'the foreign key' };

export const validatingConstraint: Rule = {
  code: 'validating_constraint',
  title: 'A constraint looks at every row while writes wait',
  why: 'ADD CONSTRAINT reads the whole table under a lock that keeps writes out, of a foreign key on both tables.',
  safely: 'NOT VALID in one migration, VALIDATE CONSTRAINT in another one: that reads the rows while writes go on.',
  examples: {
    found: 'ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18);',
    silent: 'ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18) NOT VALID;',
  },
  judge(migration, context) {
    return addedConstraints(migration).flatMap(({ contype, constraint, table, type, statement }) => {
      const kind = KINDS[contype];
      // In the statement that adds its column there is nothing to look at, but for a foreign key of a default.
      if (kind === undefined || constraint.skip_validation === true || context.isNew(table) || type === 'AT_AddColumn')
        return [];
      const name = text(constraint, 'conname') || kind;
      const message = `Writes to ${table} wait while every row is read for ${name}.`;
      const remedy = `Add it with NOT VALID, and validate it in a migration of its own: ALTER TABLE ... VALIDATE CONSTRAINT ${name}.`;
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};
