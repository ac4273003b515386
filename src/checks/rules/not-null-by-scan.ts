import type { Rule } from '../rule.ts';
import { type Alteration, alterations, asSql, nodes, text } from '../syntax.ts';

export const notNullByScan: Rule = {
  code: 'not_null_by_scan',
  title: 'NOT NULL reads every row while nobody can read or write',
  why: 'SET NOT NULL looks at the whole table under the strongest lock, unless a valid constraint says already that there is no NULL.',
  safely:
    'CHECK (column IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in a migration of its own, then SET NOT NULL; or setNotNull of triphase, which does the three.',
  examples: {
    found: 'ALTER TABLE users ALTER COLUMN email SET NOT NULL;',
    silent:
      '-- phase:no-transaction\nALTER TABLE users ADD CONSTRAINT email_there CHECK (email IS NOT NULL) NOT VALID;\nALTER TABLE users VALIDATE CONSTRAINT email_there;\nALTER TABLE users ALTER COLUMN email SET NOT NULL;',
  },
  judge(migration, context) {
    return alterations(migration).flatMap((alteration) => {
      const { table, statement } = alteration;
      const name = columnMadeNotNull(alteration);
      if (name === null || context.isNew(table) || context.isKnownNotNull(table, name)) return [];
      const message = `Nobody reads or writes ${table} while every row is looked at for NOT NULL of ${name}.`;
      const remedy = `Once no release writes NULL any more: add CHECK (${asSql(name)} IS NOT NULL) NOT VALID, validate it in a migration of its own, and set NOT NULL after that; setNotNull of triphase does the three, and phase new set-not-null writes it.`;
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};

/** By SET NOT NULL, or by a constraint that is one (18). */
function columnMadeNotNull({ type, name, def }: Alteration): string | null {
  if (type === 'AT_SetNotNull') return name;
  const isConstraint = type === 'AT_AddConstraint' && text(def, 'contype') === 'CONSTR_NOTNULL';
  return isConstraint && def?.skip_validation !== true ? text(nodes(def, 'keys')[0]?.node, 'sval') : null;
}
