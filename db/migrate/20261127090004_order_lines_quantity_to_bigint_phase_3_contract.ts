import type { Knex } from 'knex';
import {
  addColumnOfType,
  atomically,
  confirmGate,
  createFunction,
  createTrigger,
  dropColumn,
  dropFunction,
  dropTrigger,
  hasColumn,
  type MigrationContext,
} from 'triphase';

// Retype order_lines_quantity_to_bigint.
// Phase 3: the sync and the old column go.
export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'order_lines_quantity_to_bigint', { phase: 3 });
  await dropTrigger(knex, 'zz_sync_order_lines_quantity_phase_2', { on: '"public"."order_lines"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_order_lines_quantity_phase_2', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."order_lines"', column: 'quantity_triphase' });
}

export async function down(knex: Knex, { backfill }: MigrationContext): Promise<void> {
  if (!(await hasColumn(knex, '"public"."order_lines"', 'quantity_triphase'))) {
    await atomically(knex, async (trx) => {
      await addColumnOfType(trx, {
        on: '"public"."order_lines"',
        column: 'quantity_triphase',
        like: 'quantity',
        type: 'integer',
      });
      await createFunction(trx, 'sync_order_lines_quantity_phase_2', { version: 1 });
      await createTrigger(trx, 'zz_sync_order_lines_quantity_phase_2', { version: 1, on: '"public"."order_lines"' });
    });
  }
  await backfill({
    table: '"public"."order_lines"',
    set: { quantity_triphase: '"quantity"' },
    where:
      'CASE WHEN "quantity_triphase" IS NOT DISTINCT FROM NULL AND "quantity" IS DISTINCT FROM NULL THEN ("quantity") IS DISTINCT FROM NULL ELSE false END',
    exact: true,
  });
}
