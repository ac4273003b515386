import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { type Code, call } from '../code.ts';
import type { AttributeKind } from '../kind.ts';
import type { Renaming } from '../renaming.ts';
import { ofColumn } from './of-column.ts';

/** NOT NULL of the column: on the table, and on single partitions and children. */
export const notNull: AttributeKind<'not null'> = {
  ...ofColumn('not null'),
  steps: {
    constrain: {
      up: (renaming) => set(renaming, renaming.rename.to),
      down: ({ on, rename }) => (rename.notNull ? [call('unsetNotNull', { on, column: rename.to })] : []),
    },
    contract: {
      aside: ({ on, rename, facts }) =>
        facts.column.notNull ? [call('renameNotNull', { on, column: rename.to })] : [],
      restore: (renaming) => set(renaming, renaming.rename.from),
    },
  },
  async missing(presence, { table, from, to }) {
    const isSet = (column: string): Promise<boolean> => presence.has('not null', quoteQualified(table), column);
    return (await isSet(from)) && !(await isSet(to)) ? [`NOT NULL of ${quoteIdent(to)}`] : [];
  },
};

/** As the other column has it. */
function set({ on, rename, facts }: Renaming, column: string): Code[] {
  const { from, to, table } = rename;
  const { notNull: isNotNull, notNullValidated, notNullName } = facts.column;
  const isNamed = column === from && notNullName !== null && notNullName !== `${table.name}_${from}_not_null`;
  const like = column === to ? from : to;
  const options = { ...(notNullValidated ? {} : { validate: false }), ...(isNamed ? { name: notNullName } : {}) };
  return [
    ...(isNotNull ? [call('setNotNull', { on, column, like, ...options })] : []),
    ...(facts.partitioned || facts.children.length > 0 ? [call('copyNotNull', { on, from: like, to: column })] : []),
  ];
}
