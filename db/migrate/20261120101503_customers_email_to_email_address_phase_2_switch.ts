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

// Rename customers_email_to_email_address.
// Phase 2: the new column takes authority.
export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'customers_email_to_email_address', { phase: 2 });
  await createStragglers(knex, {
    count: 'stragglers_customers_email_to_email_address',
    last: 'straggler_last_customers_email_to_email_address',
  });
  await createFunction(knex, 'sync_customers_email_phase_2', { version: 1 });
  await createTrigger(knex, '00_sync_customers_email_phase_2', { version: 1, on: '"public"."customers"' });
  await createTrigger(knex, '000_sync_customers_email_phase_2', { version: 1, on: '"public"."customers"' });
  await dropTrigger(knex, '00_sync_customers_email_phase_1', { on: '"public"."customers"', revertToVersion: 1 });
  await dropTrigger(knex, '000_sync_customers_email_phase_1', { on: '"public"."customers"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_customers_email_phase_1', { schema: 'public', revertToVersion: 1 });
}

export async function down(knex: Knex): Promise<void> {
  await atomically(knex, async (trx) => {
    await createFunction(trx, 'sync_customers_email_phase_1', { version: 1 });
    await createTrigger(trx, '00_sync_customers_email_phase_1', { version: 1, on: '"public"."customers"' });
    await createTrigger(trx, '000_sync_customers_email_phase_1', { version: 1, on: '"public"."customers"' });
    await dropTrigger(trx, '00_sync_customers_email_phase_2', { on: '"public"."customers"', revertToVersion: 1 });
    await dropTrigger(trx, '000_sync_customers_email_phase_2', { on: '"public"."customers"', revertToVersion: 1 });
    await dropFunction(trx, 'sync_customers_email_phase_2', { schema: 'public', revertToVersion: 1 });
    await dropStragglers(trx, {
      count: 'stragglers_customers_email_to_email_address',
      last: 'straggler_last_customers_email_to_email_address',
    });
  });
}
