import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ColumnFacts, UnsupportedObject } from '../domain/facts.ts';
import { quoteQualified } from '../domain/identifier.ts';
import type { RefusedKind } from '../domain/rename.ts';
import type { TableFacts } from '../objects/table-facts.ts';

/** What about a table stands in the way of a change that carries nothing over, and whose triggers are on it. @throws PH2001 */
export function ensureSyncable(facts: TableFacts, kind: RefusedKind, column: string): void {
  refuse(facts, kind, column, ofTable(facts));
}

/** The same of a table whose column goes. @throws PH2001 */
export function ensureMayGo(facts: TableFacts, kind: RefusedKind): void {
  refuse(facts, kind, facts.column.name, [...ofTable(facts), ...ofColumn(facts.column)]);
}

function refuse({ table }: TableFacts, kind: RefusedKind, column: string, objects: readonly UnsupportedObject[]): void {
  if (objects.length > 0) throw new PhaseError('PH2001', { table: quoteQualified(table), column, kind, objects });
}

function ofTable({ table, unsupported, children }: TableFacts): UnsupportedObject[] {
  return [
    ...unsupported,
    ...children.map((child) => ({
      object: `table ${child}, which inherits from ${quoteQualified(table)}`,
      reason: 'row triggers of a table are none of its children by inheritance',
      instead: 'Take it out of the inheritance in an earlier release, or make it a partition.',
    })),
  ];
}

function ofColumn({
  name,
  generated,
  identity,
  default: standing,
  domainDefault,
  ownedSequence,
}: ColumnFacts): UnsupportedObject[] {
  const isOneSided = identity || standing?.class === 'volatile' || domainDefault !== null;
  return [
    ...(generated === null
      ? []
      : [
          {
            object: `generated column ${name}`,
            reason: 'nobody writes it, so that nothing has to be kept in step',
            instead:
              'Add what takes its place as a generated column, let the application read that, and drop this one.',
          },
        ]),
    ...(isOneSided
      ? [
          {
            object: `the default of column ${name}`,
            reason:
              'it is another one for each row or session, or of a domain, so that nobody can tell a value that was given from it',
            instead: 'Drop it in an earlier release, whose code gives the value.',
          },
        ]
      : []),
    ...(ownedSequence === null
      ? []
      : [
          {
            object: `sequence ${quoteQualified(ownedSequence)}`,
            reason: 'the column owns it, so that it would go with it',
            instead: `Take it from the column in an earlier release: ALTER SEQUENCE ${quoteQualified(ownedSequence)} OWNED BY NONE.`,
          },
        ]),
  ];
}
