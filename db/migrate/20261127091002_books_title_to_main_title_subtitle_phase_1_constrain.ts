import type { Knex } from 'knex';
import { execute } from 'triphase';

// Split books_title_to_main_title_subtitle.
// Phase 1: statistics for what is new.
export const config = { transaction: false, downTransaction: true, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await execute(knex, 'ANALYZE "public"."books" ("main_title", "subtitle")');
}

export async function down(): Promise<void> {
  // Nothing to undo.
}
