import type { Knex } from 'knex';
import type { MigrationContext } from 'triphase';

// Merge books_width_mm_height_mm_to_size.
// Phase 1: every row that still needs it is filled by the maps, in batches.
export const config = { transaction: false, downTransaction: true, safeToRepeat: true };

export async function up(_knex: Knex, { backfill }: MigrationContext): Promise<void> {
  await backfill({
    table: '"public"."books"',
    set: { size: '("width_mm" || \'x\' || "height_mm")' },
    where:
      'CASE WHEN "size" IS NOT DISTINCT FROM CAST(("width_mm" || \'x\' || "height_mm") AS text) THEN false WHEN "size" IS NOT DISTINCT FROM NULL THEN true ELSE NOT ("width_mm" IS NOT DISTINCT FROM CAST((split_part("size", \'x\', 1)::int) AS integer) AND "height_mm" IS NOT DISTINCT FROM CAST((split_part("size", \'x\', 2)::int) AS integer)) END',
    exact: true,
  });
}

export async function down(): Promise<void> {
  // Nothing to undo: the values go with the column.
}
