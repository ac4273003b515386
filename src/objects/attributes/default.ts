import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';
import { type Code, call, execute } from '../code.ts';
import type { AttributeKind } from '../kind.ts';
import type { Renaming } from '../renaming.ts';
import { ofColumn } from './of-column.ts';

/** What the column gets when it is given nothing. A volatile default stands on one side only; the sequence that it owns, and an identity, go with it. */
export const defaultValue: AttributeKind<'default'> = {
  ...ofColumn('default'),
  steps: {
    switch: {
      up: (renaming) => move(renaming, renaming.rename.from, renaming.rename.to),
      down: (renaming) => move(renaming, renaming.rename.to, renaming.rename.from),
    },
  },
};

function move({ on, facts }: Renaming, from: string, to: string): Code[] {
  const { default: standing, domainDefault, ownedSequence, identity } = facts.column;
  const alter = (column: string, action: string) =>
    execute(`ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(column)} ${action}`);
  return [
    ...(standing?.class === 'volatile'
      ? [alter(to, `SET DEFAULT ${standing.expression}`), alter(from, 'DROP DEFAULT')]
      : []),
    ...(domainDefault?.class === 'volatile' ? [alter(to, 'DROP DEFAULT'), alter(from, 'SET DEFAULT NULL')] : []),
    ...(ownedSequence === null
      ? []
      : [execute(`ALTER SEQUENCE ${quoteQualified(ownedSequence)} OWNED BY ${on}.${quoteIdent(to)}`)]),
    ...(identity ? [call('moveIdentity', { on, from, to })] : []),
  ];
}
