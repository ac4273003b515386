import type { JudgeContext, Judgement, Rule } from '../rule.ts';
import { addedConstraints, asSql, text } from '../syntax.ts';

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
      if (kind === undefined || context.isNew(table)) return [];
      const index = text(constraint, 'indexname');
      if (index !== '')
        return nullableKey(context, {
          contype,
          table,
          names: [index, text(constraint, 'conname')],
          line: statement.line,
        });
      const message = `Reads and writes of ${table} wait while the index of this ${kind} is built.`;
      const remedy =
        kind === 'EXCLUDE'
          ? 'PostgreSQL knows no other way: run it at a quiet time, with a silence that says so.'
          : `Build a unique index CONCURRENTLY in a migration of its own, and add the constraint with ${kind} USING INDEX.`;
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};

interface ByIndex {
  readonly contype: string;
  readonly table: string;
  readonly names: readonly string[];
  readonly line: number | null;
}

/** A primary key makes its columns NOT NULL, for which every row is looked at where nothing says so already. */
function nullableKey(context: JudgeContext, { contype, table, names, line }: ByIndex): Judgement[] {
  const columns = contype === 'CONSTR_PRIMARY' ? (context.columnsOfIndex(table, names) ?? []) : [];
  const nullable = columns.filter((column) => !context.isKnownNotNull(table, column));
  if (nullable.length === 0) return [];
  const message = `Nobody reads or writes ${table} while every row is looked at for NOT NULL of ${nullable.join(', ')}.`;
  const remedy = `Make ${nullable.map(asSql).join(', ')} NOT NULL before, by setNotNull of triphase.`;
  return [{ line, severity: 'error', message, remedy }];
}
