import type { Knex } from 'knex';
import {
  atomically,
  confirmGate,
  createFunction,
  createStragglers,
  createTrigger,
  dropColumn,
  dropFunction,
  dropStragglers,
  dropTrigger,
  execute,
  hasColumn,
  type MigrationContext,
} from 'triphase';

// Merge books_width_mm_height_mm_to_size.
// Phase 3: the sync and what is old go.
export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'books_width_mm_height_mm_to_size', { phase: 3 });
  await dropTrigger(knex, '00_sync_books_width_mm_phase_2', { on: '"public"."books"', revertToVersion: 1 });
  await dropTrigger(knex, '000_sync_books_width_mm_phase_2', { on: '"public"."books"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_books_width_mm_phase_2', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."books"', column: 'width_mm' });
  await dropColumn(knex, { on: '"public"."books"', column: 'height_mm' });
  await dropStragglers(knex, {
    count: 'stragglers_books_width_mm_height_mm_to_size',
    last: 'straggler_last_books_width_mm_height_mm_to_size',
  });
}

export async function down(knex: Knex, { backfill }: MigrationContext): Promise<void> {
  if (!(await hasColumn(knex, '"public"."books"', 'width_mm'))) {
    await atomically(knex, async (trx) => {
      await createStragglers(trx, {
        count: 'stragglers_books_width_mm_height_mm_to_size',
        last: 'straggler_last_books_width_mm_height_mm_to_size',
      });
      await execute(trx, 'ALTER TABLE "public"."books" ADD COLUMN "width_mm" integer');
      await execute(trx, 'ALTER TABLE "public"."books" ADD COLUMN "height_mm" integer');
      await createFunction(trx, 'sync_books_width_mm_phase_2', { version: 1 });
      await createTrigger(trx, '00_sync_books_width_mm_phase_2', { version: 1, on: '"public"."books"' });
      await createTrigger(trx, '000_sync_books_width_mm_phase_2', { version: 1, on: '"public"."books"' });
    });
  }
  await backfill({
    table: '"public"."books"',
    set: { width_mm: '(split_part("size", \'x\', 1)::int)', height_mm: '(split_part("size", \'x\', 2)::int)' },
    where:
      'CASE WHEN "width_mm" IS NOT DISTINCT FROM NULL AND "height_mm" IS NOT DISTINCT FROM NULL THEN NOT ("width_mm" IS NOT DISTINCT FROM CAST((split_part("size", \'x\', 1)::int) AS integer) AND "height_mm" IS NOT DISTINCT FROM CAST((split_part("size", \'x\', 2)::int) AS integer)) ELSE false END',
    exact: true,
  });
  await execute(knex, 'ANALYZE "public"."books" ("width_mm", "height_mm")');
}
