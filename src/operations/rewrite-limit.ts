import type { Knex } from 'knex';
import { treeOf } from '../catalog/tree.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { contextOf } from './context.ts';
import { runSql } from './execute.ts';

/**
 * Before a statement that keeps everybody from a table while it reads or writes all of it.
 * @throws PH2013 when the table is larger than `rewriteLimit`: in this database it may be, where it was not when the rename
 * was scaffolded.
 */
export async function ensureWithinRewriteLimit(knex: Knex, table: string): Promise<void> {
  const { rewriteLimitBytes, dryRun } = contextOf(knex);
  if (dryRun) return;
  const [row] = await runSql<{ bytes: number }>(
    knex,
    `${treeOf('to_regclass($1)::oid')}
     SELECT coalesce(sum(pg_table_size(oid)), 0)::float8 AS bytes FROM tree WHERE oid IS NOT NULL`,
    [table],
  );
  const bytes = row?.bytes ?? 0;
  if (bytes > rewriteLimitBytes) throw new PhaseError('PH2013', { table, bytes, limit: rewriteLimitBytes });
}
