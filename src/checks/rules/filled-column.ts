import { isVolatile } from '../../domain/volatile-functions.ts';
import type { Rule } from '../rule.ts';
import { alterations, callsOf, nodes, text } from '../syntax.ts';

export const volatileDefault: Rule = {
  code: 'volatile_default',
  title: 'A new column with a default that differs from row to row writes the table anew',
  why: 'A constant default is kept beside the table; one that is computed for each row is written into every row, under the strongest lock.',
  safely:
    'Add the column without it, set the default for new rows, and fill the others by a data migration in batches.',
  examples: {
    found: 'ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid();',
    silent: 'ALTER TABLE users ADD COLUMN active boolean NOT NULL DEFAULT true;',
  },
  judge(migration, context) {
    return alterations(migration).flatMap(({ type, table, def, defKind, statement }) => {
      if (type !== 'AT_AddColumn' || defKind !== 'ColumnDef' || context.isNew(table)) return [];
      const name = text(def, 'colname');
      const constraints = nodes(def, 'constraints');
      const fallback = constraints.find(({ node }) => text(node, 'contype') === 'CONSTR_DEFAULT');
      const isComputed = constraints.some(({ node }) =>
        ['CONSTR_GENERATED', 'CONSTR_IDENTITY'].includes(text(node, 'contype')),
      );
      const isSerial = /^(?:small|big)?serial\d?$/.test(
        nodes(def?.typeName as never, 'names').at(-1)?.node.sval as string,
      );
      const differs = fallback !== undefined && callsOf(fallback.node).some(isVolatile);
      if (!differs && !isSerial && !(isComputed && migration.rewritten.has(table))) return [];
      const message = `Adding ${table}.${name} writes the whole table anew, while nobody can read or write it.`;
      const remedy =
        'Add the column without its default, set the default for new rows, and fill the others by a data migration (phase new data).';
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};

export const notNullWithoutDefault: Rule = {
  code: 'not_null_without_default',
  title: 'A new column may not be NULL, and has no value in the rows that are there',
  why: 'The statement fails as soon as the table has a row; and the release before does not write the column.',
  safely: 'Add it without NOT NULL, fill it by a data migration, and make it NOT NULL in a later release.',
  examples: {
    found: 'ALTER TABLE users ADD COLUMN nick text NOT NULL;',
    silent: "ALTER TABLE users ADD COLUMN nick text NOT NULL DEFAULT '';",
  },
  judge(migration, context) {
    return alterations(migration).flatMap(({ type, table, def, defKind, statement }) => {
      if (type !== 'AT_AddColumn' || defKind !== 'ColumnDef' || context.isNew(table)) return [];
      const kinds = nodes(def, 'constraints').map(({ node }) => text(node, 'contype'));
      const isFilled = ['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'].some((kind) => kinds.includes(kind));
      const isSerial = /^(?:small|big)?serial\d?$/.test(
        String(nodes(def?.typeName as never, 'names').at(-1)?.node.sval ?? ''),
      );
      if (!kinds.includes('CONSTR_NOTNULL') || isFilled || isSerial) return [];
      const message = `${table}.${text(def, 'colname')} may not be NULL, and rows that are there have nothing else.`;
      const remedy =
        'Add it without NOT NULL, fill it by a data migration (phase new data), and make it NOT NULL in a later release.';
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};
