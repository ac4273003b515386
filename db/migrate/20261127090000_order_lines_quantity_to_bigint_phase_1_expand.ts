import type { Knex } from 'knex';
import { addColumnOfType, createFunction, createTrigger, dropColumn, dropFunction, dropTrigger } from 'triphase';

// Retype order_lines_quantity_to_bigint.
// Phase 1: the new column, under a name of its own, and its sync, in one transaction.
export async function up(knex: Knex): Promise<void> {
  await addColumnOfType(knex, {
    on: '"public"."order_lines"',
    column: 'quantity_triphase',
    like: 'quantity',
    type: 'bigint',
  });
  await createFunction(knex, 'sync_order_lines_quantity_phase_1', { version: 1 });
  await createTrigger(knex, 'zz_sync_order_lines_quantity_phase_1', { version: 1, on: '"public"."order_lines"' });
}

export async function down(knex: Knex): Promise<void> {
  await dropTrigger(knex, 'zz_sync_order_lines_quantity_phase_1', { on: '"public"."order_lines"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_order_lines_quantity_phase_1', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."order_lines"', column: 'quantity_triphase' });
}
