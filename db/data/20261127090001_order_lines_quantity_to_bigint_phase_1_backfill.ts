import type { Knex } from 'knex';
import type { MigrationContext } from 'triphase';

// Retype order_lines_quantity_to_bigint.
// Phase 1: every row that still needs it gets its value of the new type, in batches.
export const config = { transaction: false, downTransaction: true, safeToRepeat: true };

export async function up(_knex: Knex, { backfill }: MigrationContext): Promise<void> {
  await backfill({
    table: '"public"."order_lines"',
    set: { quantity_triphase: '"quantity"' },
    where: '"quantity_triphase" IS DISTINCT FROM CAST(("quantity") AS bigint)',
    exact: true,
  });
}

export async function down(): Promise<void> {
  // Nothing to undo: the values go with the column.
}
