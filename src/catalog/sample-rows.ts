import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { converted, type Rename, type Retype } from '../domain/rename.ts';
import { all, type Queryable } from '../postgres/queryable.ts';

/** A value of a column as text, what it becomes, and what that comes back as. */
export interface SampleRow {
  readonly before: string;
  readonly after: string | null;
  readonly back: string | null;
}

const ROWS = 5;

/**
 * Some values of a column with both conversions of its change, different ones from the table's first rows: for people to see what they asked for. What has no new
 * value is not among them, it is refused before (PH2032). Under qualified names.
 */
export function sampleRows(
  db: Queryable,
  { table, from, type }: Pick<Rename, 'table' | 'from' | 'type'>,
  { type: next, forward, back }: Retype,
): Promise<SampleRow[]> {
  return all<SampleRow>(
    db,
    `SELECT before::text AS before, after::text AS after, CAST((${converted(back, 'after')}) AS ${type})::text AS back
     FROM (SELECT before, CAST((${converted(forward, 'before')}) AS ${next}) AS after
       FROM (SELECT DISTINCT ON (read::text) read AS before FROM (
         SELECT ${quoteIdent(from)} AS read FROM ${quoteQualified(table)} WHERE ${quoteIdent(from)} IS NOT NULL LIMIT 1000
       ) AS rows_read LIMIT ${ROWS}) AS distinct_values) AS with_next`,
  );
}
