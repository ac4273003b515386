import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { TREE } from './tree.ts';

/** A reference to a row as a whole, in PostgreSQL's own form of an expression. */
const WHOLE_ROW = `':varattno 0 '`;

/**
 * Constraints, indexes and statistics over rows as a whole: one more column changes what they were computed from, and PostgreSQL copies none of
 * them to a table with other columns.
 * @throws PH2001
 */
export async function ensureNoWholeRows(
  db: Queryable,
  table: QualifiedName & { readonly oid: number },
  column: string,
): Promise<void> {
  const rows = await all<{ object: string }>(
    db,
    `${TREE}
     SELECT 'constraint ' || quote_ident(conname) AS object FROM pg_constraint WHERE conrelid IN (SELECT oid FROM tree) AND conbin::text ~ ${WHOLE_ROW}
     UNION SELECT 'index ' || indexrelid::regclass::text FROM pg_index
       WHERE indrelid IN (SELECT oid FROM tree) AND (indexprs::text ~ ${WHOLE_ROW} OR indpred::text ~ ${WHOLE_ROW})
     UNION SELECT 'statistics ' || quote_ident(stxname) FROM pg_statistic_ext s
       WHERE stxrelid IN (SELECT oid FROM tree) AND to_jsonb(s) ->> 'stxexprs' ~ ${WHOLE_ROW}
     ORDER BY 1`,
    [table.oid],
  );
  if (rows.length === 0) return;
  const objects = rows.map(({ object }) => ({
    object,
    reason: 'it is computed from whole rows of the table, which have one more column from phase 1 on',
    instead:
      'Name the columns in it, in a release before the first phase, or, where the rename is under way, before the next one.',
  }));
  throw new PhaseError('PH2001', { table: quoteQualified(table), column, objects });
}
