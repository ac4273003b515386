import type { Knex } from 'knex';
import {
  atomically,
  confirmGate,
  createFunction,
  createStragglers,
  createTrigger,
  createUnsettled,
  dropColumn,
  dropFunction,
  dropStragglers,
  dropTrigger,
  dropUnsettled,
  execute,
  hasColumn,
  type MigrationContext,
} from 'triphase';

// Move customers_visits_to_cards_visits.
// Phase 3: the sync and the old column go.
export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'customers_visits_to_cards_visits', { phase: 3 });
  await dropTrigger(knex, 'zz_sync_customers_visits_phase_2', { on: '"public"."customers"', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_customers_visits_taken_phase_2', { on: '"public"."customers"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_customers_visits_phase_2', { schema: 'public', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_cards_visits_phase_2', { on: '"public"."cards"', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_cards_visits_taken_phase_2', { on: '"public"."cards"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_cards_visits_phase_2', { schema: 'public', revertToVersion: 1 });
  await dropColumn(knex, { on: '"public"."customers"', column: 'visits' });
  await dropStragglers(knex, {
    count: 'stragglers_customers_visits_to_cards_visits',
    last: 'straggler_last_customers_visits_to_cards_visits',
  });
  await dropUnsettled(knex, 'customers_visits_to_cards_visits');
}

export async function down(knex: Knex, { backfill }: MigrationContext): Promise<void> {
  if (!(await hasColumn(knex, '"public"."customers"', 'visits'))) {
    await atomically(knex, async (trx) => {
      await createStragglers(trx, {
        count: 'stragglers_customers_visits_to_cards_visits',
        last: 'straggler_last_customers_visits_to_cards_visits',
      });
      await createUnsettled(trx, 'customers_visits_to_cards_visits');
      await execute(trx, 'ALTER TABLE "public"."customers" ADD COLUMN "visits" integer');
      await createFunction(trx, 'sync_cards_visits_phase_2', { version: 1 });
      await createTrigger(trx, 'zz_sync_cards_visits_phase_2', { version: 1, on: '"public"."cards"' });
      await createTrigger(trx, 'zz_sync_cards_visits_taken_phase_2', { version: 1, on: '"public"."cards"' });
      await createFunction(trx, 'sync_customers_visits_phase_2', { version: 1 });
      await createTrigger(trx, 'zz_sync_customers_visits_phase_2', { version: 1, on: '"public"."customers"' });
      await createTrigger(trx, 'zz_sync_customers_visits_taken_phase_2', { version: 1, on: '"public"."customers"' });
      await execute(trx, 'ALTER TABLE "public"."customers" ALTER COLUMN "visits" SET DEFAULT 0');
    });
  }
  await backfill({
    table: '"public"."customers"',
    set: {
      visits:
        '(SELECT triphase_value FROM (SELECT "customer_id" AS triphase_1, "visits" AS triphase_value FROM "public"."cards") AS triphase_target WHERE triphase_1 = "id" FOR NO KEY UPDATE)',
    },
    where:
      '(SELECT triphase_value IS DISTINCT FROM "visits" FROM (SELECT "customer_id" AS triphase_1, "visits" AS triphase_value FROM "public"."cards") AS triphase_target WHERE triphase_1 = "id")',
    exact: true,
  });
  await execute(knex, 'ANALYZE "public"."customers" ("visits")');
}
