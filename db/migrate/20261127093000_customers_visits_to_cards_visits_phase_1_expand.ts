import type { Knex } from 'knex';
import {
  createFunction,
  createTrigger,
  createUnsettled,
  dropColumn,
  dropFunction,
  dropTrigger,
  dropUnsettled,
  execute,
} from 'triphase';

// Move customers_visits_to_cards_visits.
// Phase 1: the new column, and the sync of both tables, in one transaction.
export async function up(knex: Knex): Promise<void> {
  await createUnsettled(knex, 'customers_visits_to_cards_visits');
  await execute(knex, 'ALTER TABLE "public"."cards" ADD COLUMN "visits" integer');
  await createFunction(knex, 'sync_cards_visits_phase_1', { version: 1 });
  await createTrigger(knex, 'zz_sync_cards_visits_phase_1', { version: 1, on: '"public"."cards"' });
  await createTrigger(knex, 'zz_sync_cards_visits_taken_phase_1', { version: 1, on: '"public"."cards"' });
  await createFunction(knex, 'sync_customers_visits_phase_1', { version: 1 });
  await createTrigger(knex, 'zz_sync_customers_visits_phase_1', { version: 1, on: '"public"."customers"' });
  await createTrigger(knex, 'zz_sync_customers_visits_taken_phase_1', { version: 1, on: '"public"."customers"' });
  await execute(knex, 'ALTER TABLE "public"."cards" ALTER COLUMN "visits" SET DEFAULT 0');
}

export async function down(knex: Knex): Promise<void> {
  await dropTrigger(knex, 'zz_sync_customers_visits_phase_1', { on: '"public"."customers"', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_customers_visits_taken_phase_1', { on: '"public"."customers"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_customers_visits_phase_1', { schema: 'public', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_cards_visits_phase_1', { on: '"public"."cards"', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_cards_visits_taken_phase_1', { on: '"public"."cards"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_cards_visits_phase_1', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."cards"', column: 'visits' });
  await dropUnsettled(knex, 'customers_visits_to_cards_visits');
}
