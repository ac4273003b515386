import type { Knex } from 'knex';
import {
  atomically,
  confirmGate,
  createFunction,
  createStragglers,
  createTrigger,
  dropFunction,
  dropStragglers,
  dropTrigger,
} from 'triphase';

// Merge books_width_mm_height_mm_to_size.
// Phase 2: what is new takes authority.
export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'books_width_mm_height_mm_to_size', { phase: 2 });
  await createStragglers(knex, {
    count: 'stragglers_books_width_mm_height_mm_to_size',
    last: 'straggler_last_books_width_mm_height_mm_to_size',
  });
  await createFunction(knex, 'sync_books_width_mm_phase_2', { version: 1 });
  await createTrigger(knex, '00_sync_books_width_mm_phase_2', { version: 1, on: '"public"."books"' });
  await createTrigger(knex, '000_sync_books_width_mm_phase_2', { version: 1, on: '"public"."books"' });
  await dropTrigger(knex, '00_sync_books_width_mm_phase_1', { on: '"public"."books"', revertToVersion: 1 });
  await dropTrigger(knex, '000_sync_books_width_mm_phase_1', { on: '"public"."books"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_books_width_mm_phase_1', { schema: 'public', revertToVersion: 1 });
}

export async function down(knex: Knex): Promise<void> {
  await atomically(knex, async (trx) => {
    await createFunction(trx, 'sync_books_width_mm_phase_1', { version: 1 });
    await createTrigger(trx, '00_sync_books_width_mm_phase_1', { version: 1, on: '"public"."books"' });
    await createTrigger(trx, '000_sync_books_width_mm_phase_1', { version: 1, on: '"public"."books"' });
    await dropTrigger(trx, '00_sync_books_width_mm_phase_2', { on: '"public"."books"', revertToVersion: 1 });
    await dropTrigger(trx, '000_sync_books_width_mm_phase_2', { on: '"public"."books"', revertToVersion: 1 });
    await dropFunction(trx, 'sync_books_width_mm_phase_2', { schema: 'public', revertToVersion: 1 });
    await dropStragglers(trx, {
      count: 'stragglers_books_width_mm_height_mm_to_size',
      last: 'straggler_last_books_width_mm_height_mm_to_size',
    });
  });
}
