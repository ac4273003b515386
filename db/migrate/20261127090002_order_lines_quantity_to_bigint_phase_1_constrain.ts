import type { Knex } from 'knex';
import { execute, setNotNull, unsetNotNull } from 'triphase';

// Retype order_lines_quantity_to_bigint.
// Phase 1: the new column gets the indexes and constraints of the old one, without long locks.
export const config = { transaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await setNotNull(knex, { on: '"public"."order_lines"', column: 'quantity_triphase', like: 'quantity' });
  await execute(knex, 'ANALYZE "public"."order_lines" ("quantity_triphase")');
}

export async function down(knex: Knex): Promise<void> {
  await unsetNotNull(knex, { on: '"public"."order_lines"', column: 'quantity_triphase' });
}
