import type { Knex } from 'knex';
import { createFunction, createTrigger, dropColumn, dropFunction, dropTrigger, execute } from 'triphase';

// Merge books_width_mm_height_mm_to_size.
// Phase 1: what is new, and its sync, in one transaction.
export async function up(knex: Knex): Promise<void> {
  await execute(knex, 'ALTER TABLE "public"."books" ADD COLUMN "size" text');
  await createFunction(knex, 'sync_books_width_mm_phase_1', { version: 1 });
  await createTrigger(knex, '00_sync_books_width_mm_phase_1', { version: 1, on: '"public"."books"' });
  await createTrigger(knex, '000_sync_books_width_mm_phase_1', { version: 1, on: '"public"."books"' });
}

export async function down(knex: Knex): Promise<void> {
  await dropTrigger(knex, '00_sync_books_width_mm_phase_1', { on: '"public"."books"', revertToVersion: 1 });
  await dropTrigger(knex, '000_sync_books_width_mm_phase_1', { on: '"public"."books"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_books_width_mm_phase_1', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."books"', column: 'size' });
}
