import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { DependentFacts, TableFacts, UnsupportedObject } from '../../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../../domain/identifier.ts';

/** PostgreSQL changes the expression of a generated column from this version on. */
const SET_EXPRESSION = 170000;

/** @throws PH2001 when something on the column cannot be carried over: nothing is written then. */
export function ensureSupported(facts: TableFacts, rewriteLimit: number): void {
  const objects = [...facts.unsupported, ...unsupportedHere(facts), ...tooLarge(facts, rewriteLimit)];
  if (objects.length === 0) return;
  throw new PhaseError('PH2001', { table: quoteQualified(facts.table), column: facts.column.name, objects });
}

function unsupportedHere({ dependents, serverVersion }: TableFacts): UnsupportedObject[] {
  const generated = dependents.filter(({ kind }) => kind === 'generated column');
  return [
    ...(serverVersion < SET_EXPRESSION ? generated : []).map(({ name }) => ({
      object: `generated column ${quoteIdent(name)}`,
      reason: 'PostgreSQL changes the expression of a generated column from version 17 on',
      instead: 'Drop the generated column in an earlier release and add it again after phase 3.',
    })),
  ];
}

/** What PostgreSQL can only do while nobody else uses the table. */
function tooLarge({ column, exclusions, dependents, bytes }: TableFacts, limit: number): UnsupportedObject[] {
  const ofTable = (object: string): Locking => ({ object, bytes });
  const locking: Locking[] = [
    ...(column.rewrites
      ? [
          ofTable(
            column.generated === null
              ? 'a column whose domain has constraints, which PostgreSQL checks for each row'
              : 'a stored generated column, which PostgreSQL computes for each row',
          ),
        ]
      : []),
    ...exclusions.map(({ name }) =>
      ofTable(`constraint ${quoteIdent(name)}, which PostgreSQL builds under an exclusive lock`),
    ),
    ...dependents.filter(({ rewrites }) => rewrites).map((dependent) => lockingOf(dependent, bytes)),
  ];
  return locking
    .filter((one) => one.bytes > limit)
    .map((one) => ({
      object: one.object,
      reason: `the table takes ${megabytes(one.bytes)}, more than rewriteLimit (${megabytes(limit)})`,
      instead: 'Rename in a maintenance window, or raise rewriteLimit and migrate at a quiet time.',
    }));
}

/** Something that locks its table for as long as that is read or written. */
interface Locking {
  readonly object: string;
  readonly bytes: number;
}

/** A key reads the table that has it, and looks up the other one by its index. */
function lockingOf({ kind, name, on, bytes }: DependentFacts, ofTable: number): Locking {
  if (kind !== 'key to primary key') {
    return { object: `${kind} ${name}, which is computed anew`, bytes: Math.max(bytes, ofTable) };
  }
  const table = on === null ? '' : ` of ${quoteQualified(on)}`;
  return { object: `foreign key ${quoteIdent(name)}${table}, which is checked anew`, bytes };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_024 ** 2).toFixed(1)} MB`;
}
