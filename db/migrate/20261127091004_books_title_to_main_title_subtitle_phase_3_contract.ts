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
  setNotNull,
} from 'triphase';

// Split books_title_to_main_title_subtitle.
// Phase 3: the sync and what is old go.
export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'books_title_to_main_title_subtitle', { phase: 3 });
  await dropTrigger(knex, '00_sync_books_title_phase_2', { on: '"public"."books"', revertToVersion: 1 });
  await dropTrigger(knex, '000_sync_books_title_phase_2', { on: '"public"."books"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_books_title_phase_2', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."books"', column: 'title' });
  await dropStragglers(knex, {
    count: 'stragglers_books_title_to_main_title_subtitle',
    last: 'straggler_last_books_title_to_main_title_subtitle',
  });
}

export async function down(knex: Knex, { backfill }: MigrationContext): Promise<void> {
  if (!(await hasColumn(knex, '"public"."books"', 'title'))) {
    await atomically(knex, async (trx) => {
      await createStragglers(trx, {
        count: 'stragglers_books_title_to_main_title_subtitle',
        last: 'straggler_last_books_title_to_main_title_subtitle',
      });
      await execute(trx, 'ALTER TABLE "public"."books" ADD COLUMN "title" text');
      await createFunction(trx, 'sync_books_title_phase_2', { version: 1 });
      await createTrigger(trx, '00_sync_books_title_phase_2', { version: 1, on: '"public"."books"' });
      await createTrigger(trx, '000_sync_books_title_phase_2', { version: 1, on: '"public"."books"' });
    });
  }
  await backfill({
    table: '"public"."books"',
    set: { title: '("main_title" || coalesce(\': \' || "subtitle", \'\'))' },
    where:
      'CASE WHEN "title" IS NOT DISTINCT FROM NULL THEN NOT ("title" IS NOT DISTINCT FROM CAST(("main_title" || coalesce(\': \' || "subtitle", \'\')) AS text)) ELSE false END',
    exact: true,
  });
  await setNotNull(knex, { on: '"public"."books"', column: 'title' });
  await execute(knex, 'ANALYZE "public"."books" ("title")');
}
