import type { Knex } from 'knex';
import { createFunction, createTrigger, dropColumn, dropFunction, dropTrigger, execute } from 'triphase';

// Split books_title_to_main_title_subtitle.
// Phase 1: what is new, and its sync, in one transaction.
export async function up(knex: Knex): Promise<void> {
  await execute(knex, 'ALTER TABLE "public"."books" ADD COLUMN "main_title" text');
  await execute(knex, 'ALTER TABLE "public"."books" ADD COLUMN "subtitle" text');
  await createFunction(knex, 'sync_books_title_phase_1', { version: 1 });
  await createTrigger(knex, '00_sync_books_title_phase_1', { version: 1, on: '"public"."books"' });
  await createTrigger(knex, '000_sync_books_title_phase_1', { version: 1, on: '"public"."books"' });
}

export async function down(knex: Knex): Promise<void> {
  await dropTrigger(knex, '00_sync_books_title_phase_1', { on: '"public"."books"', revertToVersion: 1 });
  await dropTrigger(knex, '000_sync_books_title_phase_1', { on: '"public"."books"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_books_title_phase_1', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."books"', column: 'subtitle' });
  await dropColumn(knex, { on: '"public"."books"', column: 'main_title' });
}
