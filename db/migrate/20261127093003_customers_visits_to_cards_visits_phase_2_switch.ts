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
  setNotNull,
  unsetNotNull,
} from 'triphase';

// Move customers_visits_to_cards_visits.
// Phase 2: the other table takes authority.
export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'customers_visits_to_cards_visits', { phase: 2 });
  await createStragglers(knex, {
    count: 'stragglers_customers_visits_to_cards_visits',
    last: 'straggler_last_customers_visits_to_cards_visits',
  });
  await createFunction(knex, 'sync_cards_visits_phase_2', { version: 1 });
  await createTrigger(knex, 'zz_sync_cards_visits_phase_2', { version: 1, on: '"public"."cards"' });
  await createTrigger(knex, 'zz_sync_cards_visits_taken_phase_2', { version: 1, on: '"public"."cards"' });
  await createFunction(knex, 'sync_customers_visits_phase_2', { version: 1 });
  await createTrigger(knex, 'zz_sync_customers_visits_phase_2', { version: 1, on: '"public"."customers"' });
  await createTrigger(knex, 'zz_sync_customers_visits_taken_phase_2', { version: 1, on: '"public"."customers"' });
  await dropTrigger(knex, 'zz_sync_customers_visits_phase_1', { on: '"public"."customers"', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_customers_visits_taken_phase_1', { on: '"public"."customers"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_customers_visits_phase_1', { schema: 'public', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_cards_visits_phase_1', { on: '"public"."cards"', revertToVersion: 1 });
  await dropTrigger(knex, 'zz_sync_cards_visits_taken_phase_1', { on: '"public"."cards"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_cards_visits_phase_1', { schema: 'public', revertToVersion: 1 });
  await unsetNotNull(knex, { on: '"public"."customers"', column: 'visits' });
}

export async function down(knex: Knex): Promise<void> {
  await atomically(knex, async (trx) => {
    await createFunction(trx, 'sync_cards_visits_phase_1', { version: 1 });
    await createTrigger(trx, 'zz_sync_cards_visits_phase_1', { version: 1, on: '"public"."cards"' });
    await createTrigger(trx, 'zz_sync_cards_visits_taken_phase_1', { version: 1, on: '"public"."cards"' });
    await createFunction(trx, 'sync_customers_visits_phase_1', { version: 1 });
    await createTrigger(trx, 'zz_sync_customers_visits_phase_1', { version: 1, on: '"public"."customers"' });
    await createTrigger(trx, 'zz_sync_customers_visits_taken_phase_1', { version: 1, on: '"public"."customers"' });
    await dropTrigger(trx, 'zz_sync_customers_visits_phase_2', { on: '"public"."customers"', revertToVersion: 1 });
    await dropTrigger(trx, 'zz_sync_customers_visits_taken_phase_2', {
      on: '"public"."customers"',
      revertToVersion: 1,
    });
    await dropFunction(trx, 'sync_customers_visits_phase_2', { schema: 'public', revertToVersion: 1 });
    await dropTrigger(trx, 'zz_sync_cards_visits_phase_2', { on: '"public"."cards"', revertToVersion: 1 });
    await dropTrigger(trx, 'zz_sync_cards_visits_taken_phase_2', { on: '"public"."cards"', revertToVersion: 1 });
    await dropFunction(trx, 'sync_cards_visits_phase_2', { schema: 'public', revertToVersion: 1 });
    await dropStragglers(trx, {
      count: 'stragglers_customers_visits_to_cards_visits',
      last: 'straggler_last_customers_visits_to_cards_visits',
    });
  });
  await setNotNull(knex, { on: '"public"."customers"', column: 'visits' });
}
