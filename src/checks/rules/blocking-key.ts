import type { Rule } from '../rule.ts';
import { addedConstraints, text } from '../syntax.ts';

const KINDS: Readonly<Record<string, string>> = {
  CONSTR_UNIQUE: 'UNIQUE',
  CONSTR_PRIMARY: 'PRIMARY KEY',
  CONSTR_EXCLUSION: 'EXCLUDE',
};

export const blockingKey: Rule = {
  code: 'blocking_key',
  title: 'A unique or primary key builds its index while nobody can read or write',
  why: 'ADD CONSTRAINT ... UNIQUE builds an index under the strongest lock there is.',
  safely:
    'Build the index by CREATE UNIQUE INDEX CONCURRENTLY, outside a transaction; then ADD CONSTRAINT ... UNIQUE USING INDEX, which takes a moment.',
  examples: {
    found: 'ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);',
    silent: 'ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;',
  },
  judge(migration, context) {
    return addedConstraints(migration).flatMap(({ contype, constraint, table, statement }) => {
      const kind = KINDS[contype];
      if (kind === undefined || text(constraint, 'indexname') !== '' || context.isNew(table)) return [];
      const message = `Reads and writes of ${table} wait while the index of this ${kind} is built.`;
      const remedy =
        kind === 'EXCLUDE'
          ? 'PostgreSQL knows no other way: run it at a quiet time, with a silence that says so.'
          : `Build a unique index CONCURRENTLY in a migration of its own, and add the constraint with ${kind} USING INDEX.`;
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};
