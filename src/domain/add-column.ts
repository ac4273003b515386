import type { ColumnFacts } from './facts.ts';

/**
 * Statements that add a column like another one: its type, collation and what it gets by default. Every name is SQL.
 *
 * A constant default comes with the column where comparing values costs little: rows that hold it need no backfill. Else
 * the column is NULL until a row is filled, so that such a row is known by that, and gets its default afterwards; so it does
 * where the default is evaluated anew at each time. A volatile one stands on one side only.
 */
export function addColumnStatements(
  on: string,
  column: string,
  { type, collation, default: standing, domainDefault, toastable }: ColumnFacts,
): string[] {
  const isConstant = standing?.class === 'constant';
  const comesAlong = isConstant && standing.immutable && !toastable;
  const isWithheld = domainDefault !== null && (domainDefault.class === 'volatile' || toastable);
  const given = comesAlong ? ` DEFAULT ${standing.expression}` : isWithheld ? ' DEFAULT NULL' : '';
  const alter = `ALTER TABLE ${on} ALTER COLUMN ${column}`;
  return [
    `ALTER TABLE ${on} ADD COLUMN ${column} ${type}${collation === null ? '' : ` COLLATE ${collation}`}${given}`,
    ...(isConstant && !comesAlong ? [`${alter} SET DEFAULT ${standing.expression}`] : []),
    ...(isWithheld && domainDefault.class !== 'volatile' ? [`${alter} DROP DEFAULT`] : []),
  ];
}
