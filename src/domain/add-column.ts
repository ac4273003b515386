import type { ColumnFacts } from './facts.ts';

/**
 * Statements that add a column like another one: its type, collation and what it gets by default. Every name is SQL.
 *
 * A constant default comes with the column where comparing values costs little: rows that hold it need no backfill. Else
 * the column is NULL until a row is filled, so that such a row is known by that, and gets its default afterwards; so it does
 * where the default is evaluated anew at each time. A volatile one stands on one side only.
 */
export function addColumnStatements(on: string, column: string, facts: ColumnFacts): string[] {
  const { default: standing, domainDefault } = facts;
  const alter = `ALTER TABLE ${on} ALTER COLUMN ${column}`;
  return [
    `ALTER TABLE ${on} ADD COLUMN ${column} ${columnDefinition(facts)}`,
    ...(standing?.class === 'constant' && !comesAlong(facts) ? [`${alter} SET DEFAULT ${standing.expression}`] : []),
    ...(isWithheld(facts) && domainDefault?.class !== 'volatile' ? [`${alter} DROP DEFAULT`] : []),
  ];
}

/** What follows the column's name in its ADD COLUMN. */
export function columnDefinition(facts: ColumnFacts): string {
  const { type, collation, default: standing, generated } = facts;
  if (generated !== null) {
    const collated = `${type}${collation === null ? '' : ` COLLATE ${collation}`}`;
    return `${collated} GENERATED ALWAYS AS (${generated.expression}) ${generated.stored ? 'STORED' : 'VIRTUAL'}`;
  }
  const given = comesAlong(facts) ? ` DEFAULT ${standing?.expression}` : isWithheld(facts) ? ' DEFAULT NULL' : '';
  return `${type}${collation === null ? '' : ` COLLATE ${collation}`}${given}`;
}

function comesAlong({ default: standing, toastable }: ColumnFacts): boolean {
  return standing?.class === 'constant' && standing.immutable && !toastable;
}

function isWithheld({ domainDefault, toastable }: ColumnFacts): boolean {
  return domainDefault !== null && (domainDefault.class === 'volatile' || toastable);
}
