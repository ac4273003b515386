import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { TableFacts, UnsupportedObject } from '../../domain/facts.ts';
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
function tooLarge(facts: TableFacts, limit: number): UnsupportedObject[] {
  const { column, exclusions, dependents, bytes } = facts;
  const objects = [
    ...(column.rewrites ? ['a column whose domain has constraints, which PostgreSQL checks for each row'] : []),
    ...exclusions.map(({ name }) => `constraint ${quoteIdent(name)}, which PostgreSQL builds under an exclusive lock`),
    ...dependents.flatMap(({ kind, name, rewrites }) => (rewrites ? [`${kind} ${name}, which is computed anew`] : [])),
  ];
  const size = Math.max(bytes, ...dependents.map((dependent) => dependent.bytes));
  if (size <= limit) return [];
  return objects.map((object) => ({
    object,
    reason: `the table takes ${megabytes(size)}, more than rewriteLimit (${megabytes(limit)})`,
    instead: 'Rename in a maintenance window, or raise rewriteLimit and migrate at a quiet time.',
  }));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_024 ** 2).toFixed(1)} MB`;
}
