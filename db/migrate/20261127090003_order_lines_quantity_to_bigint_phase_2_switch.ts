import type { Knex } from 'knex';
import {
  atomically,
  confirmGate,
  createFunction,
  createTrigger,
  dropFunction,
  dropTrigger,
  exchangeColumns,
  isOfType,
  type MigrationContext,
  setNotNull,
} from 'triphase';

// Retype order_lines_quantity_to_bigint.
// Phase 2: the two columns exchange their names, and the old one goes aside.
export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'order_lines_quantity_to_bigint', { phase: 2 });
  await dropTrigger(knex, 'zz_sync_order_lines_quantity_phase_1', { on: '"public"."order_lines"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_order_lines_quantity_phase_1', { schema: 'public', revertToVersion: 1 });
  await exchangeColumns(knex, {
    on: '"public"."order_lines"',
    column: 'quantity',
    aside: 'quantity_triphase',
    becomes: 'bigint',
    carried: [],
  });
  await createFunction(knex, 'sync_order_lines_quantity_phase_2', { version: 1 });
  await createTrigger(knex, 'zz_sync_order_lines_quantity_phase_2', { version: 1, on: '"public"."order_lines"' });
}

export async function down(knex: Knex, { backfill }: MigrationContext): Promise<void> {
  if (await isOfType(knex, '"public"."order_lines"', 'quantity', 'bigint')) {
    await backfill({
      table: '"public"."order_lines"',
      set: { quantity_triphase: '"quantity"' },
      where:
        'CASE WHEN "quantity_triphase" IS NOT DISTINCT FROM NULL AND "quantity" IS DISTINCT FROM NULL THEN ("quantity") IS DISTINCT FROM NULL ELSE false END',
      exact: true,
    });
    await setNotNull(knex, { on: '"public"."order_lines"', column: 'quantity_triphase', like: 'quantity' });
    await atomically(knex, async (trx) => {
      await dropTrigger(trx, 'zz_sync_order_lines_quantity_phase_2', {
        on: '"public"."order_lines"',
        revertToVersion: 1,
      });
      await dropFunction(trx, 'sync_order_lines_quantity_phase_2', { schema: 'public', revertToVersion: 1 });
      await exchangeColumns(trx, {
        on: '"public"."order_lines"',
        column: 'quantity',
        aside: 'quantity_triphase',
        becomes: 'integer',
        carried: [],
      });
      await createFunction(trx, 'sync_order_lines_quantity_phase_1', { version: 1 });
      await createTrigger(trx, 'zz_sync_order_lines_quantity_phase_1', { version: 1, on: '"public"."order_lines"' });
    });
  }
  await setNotNull(knex, { on: '"public"."order_lines"', column: 'quantity_triphase', like: 'quantity' });
}
