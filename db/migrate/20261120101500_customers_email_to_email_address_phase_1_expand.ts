import type { Knex } from 'knex';
import { createFunction, createTrigger, dropColumn, dropFunction, dropTrigger, execute } from 'triphase';

// Rename customers_email_to_email_address.
// Phase 1: the new column and its sync, in one transaction.
export async function up(knex: Knex): Promise<void> {
  await execute(knex, 'ALTER TABLE "public"."customers" ADD COLUMN "email_address" character varying(320)');
  await execute(knex, 'COMMENT ON COLUMN "public"."customers"."email_address" IS \'Where order confirmations go.\'');
  await createFunction(knex, 'sync_customers_email_phase_1', { version: 1 });
  await createTrigger(knex, '00_sync_customers_email_phase_1', { version: 1, on: '"public"."customers"' });
  await createTrigger(knex, '000_sync_customers_email_phase_1', { version: 1, on: '"public"."customers"' });
}

export async function down(knex: Knex): Promise<void> {
  await dropTrigger(knex, '00_sync_customers_email_phase_1', { on: '"public"."customers"', revertToVersion: 1 });
  await dropTrigger(knex, '000_sync_customers_email_phase_1', { on: '"public"."customers"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_customers_email_phase_1', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."customers"', column: 'email_address' });
}
