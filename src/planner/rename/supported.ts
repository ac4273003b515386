import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { UnsupportedObject } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { byKind } from '../../objects/registry.ts';
import type { TableFacts } from '../../objects/table-facts.ts';

/** @throws PH2001 when something on the column cannot be carried over: nothing is written then. */
export function ensureSupported(facts: TableFacts, rewriteLimit: number): void {
  const objects = [...facts.unsupported, ...unsupportedHere(facts), ...tooLarge(facts, rewriteLimit)];
  if (objects.length === 0) return;
  throw new PhaseError('PH2001', { table: quoteQualified(facts.table), column: facts.column.name, objects });
}

function unsupportedHere(facts: TableFacts): UnsupportedObject[] {
  return byKind(facts.objects).flatMap(({ kind, objects }) =>
    objects.flatMap((object) => kind.refuse?.(object, facts) ?? []),
  );
}

/** What PostgreSQL can only do while nobody else uses the table. */
function tooLarge(facts: TableFacts, limit: number): UnsupportedObject[] {
  const { column, bytes } = facts;
  const ofColumn =
    column.generated === null
      ? 'a column whose domain has constraints, which PostgreSQL checks for each row'
      : 'a stored generated column, which PostgreSQL computes for each row';
  const locking = [
    ...(column.rewrites ? [{ object: ofColumn, bytes }] : []),
    ...byKind(facts.objects).flatMap(({ kind, objects }) =>
      objects.flatMap((object) => kind.locking?.(object, facts) ?? []),
    ),
  ];
  return locking
    .filter((one) => one.bytes > limit)
    .map((one) => ({
      object: one.object,
      reason: `the table takes ${megabytes(one.bytes)}, more than rewriteLimit (${megabytes(limit)})`,
      instead: 'Rename in a maintenance window, or raise rewriteLimit and migrate at a quiet time.',
    }));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_024 ** 2).toFixed(1)} MB`;
}
