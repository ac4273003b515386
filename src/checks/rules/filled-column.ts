import { isVolatile } from '../../domain/volatile-functions.ts';
import type { JudgeContext, JudgedMigration, Judgement, Rule } from '../rule.ts';
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
      // A function of one's own, or a domain with a check, is seen by what it does.
      const isSeen = migration.rewritten.has(table) && !migrationWritesAnyway(migration, table);
      if (!differs && !isSerial && !isSeen) return [];
      const message = `Adding ${table}.${name} writes the whole table anew, while nobody can read or write it.`;
      const remedy = isComputed
        ? 'Add a plain column, keep it by a trigger, and fill it by a data migration in batches (phase new data); or run this at a quiet time, with a silence that says so.'
        : 'Add the column without its default, set the default for new rows, and fill the others by a data migration (phase new data).';
      return [{ line: statement.line, severity: 'error' as const, message, remedy }];
    });
  },
};

/** Something else in it writes the table anew. */
const migrationWritesAnyway = (migration: JudgedMigration, table: string): boolean =>
  alterations(migration).some(
    (one) => one.table === table && /^AT_(?:AlterColumnType|SetLogged|SetUnLogged|SetAccessMethod)$/.test(one.type),
  );

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
    const added = alterations(migration).flatMap(({ type, table, def, defKind, statement }) => {
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
    return [...added, ...droppedDefaults(migration, context)];
  },
};

/** The release before does not write a column that it does not know, or whose default it relies on. */
function droppedDefaults(migration: JudgedMigration, context: JudgeContext): Judgement[] {
  const all = alterations(migration);
  const isAddedNotNull = (table: string, name: string): boolean =>
    all.some(
      (one) =>
        one.type === 'AT_AddColumn' &&
        one.table === table &&
        text(one.def, 'colname') === name &&
        nodes(one.def, 'constraints').some(({ node }) => text(node, 'contype') === 'CONSTR_NOTNULL'),
    );
  return all.flatMap(({ type, table, name, defKind, statement: { line } }): Judgement[] => {
    const isDropped = (type === 'AT_ColumnDefault' && defKind === '') || type === 'AT_DropIdentity';
    const isNotNull = isAddedNotNull(table, name) || context.columnBefore(table, name)?.notNull === true;
    if (!isDropped || !isNotNull || context.isNew(table)) return [];
    const message = `${table}.${name} is NOT NULL and loses its default: an INSERT of the release before that leaves it out fails.`;
    const remedy = 'Drop the default in a later release, once all that are alive write the column.';
    return [{ line, severity: 'error', message, remedy }];
  });
}
