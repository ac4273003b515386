import type { Knex } from 'knex';
import { execute } from 'triphase';

// Move customers_visits_to_cards_visits.
// Phase 1: statistics for the new column.
export const config = { transaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await execute(knex, 'ANALYZE "public"."cards" ("visits")');
}

export async function down(): Promise<void> {
  // Nothing to undo.
}
