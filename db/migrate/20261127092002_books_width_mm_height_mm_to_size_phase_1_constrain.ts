import type { Knex } from 'knex';
import { execute } from 'triphase';

// Merge books_width_mm_height_mm_to_size.
// Phase 1: statistics for what is new.
export const config = { transaction: false, downTransaction: true, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await execute(knex, 'ANALYZE "public"."books" ("size")');
}

export async function down(): Promise<void> {
  // Nothing to undo.
}
