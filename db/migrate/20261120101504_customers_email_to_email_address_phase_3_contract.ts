import type { Knex } from 'knex';
import {
  addColumnLike,
  addConstraint,
  addUnique,
  atomically,
  confirmGate,
  createFunction,
  createIndex,
  createStragglers,
  createTrigger,
  dropFunction,
  dropStragglers,
  dropTrigger,
  execute,
  hasColumn,
  type MigrationContext,
  renameNotNull,
  replaceColumn,
  restoreIndexRoles,
  restoreTwinNames,
  setNotNull,
} from 'triphase';

// Rename customers_email_to_email_address.
// Phase 3: the sync and the old column go, and names are restored.
const carried = [
  { kind: 'index', name: 'customers_email_lower_idx', twin: 'customers_email_lower_idx_triphase' },
  { kind: 'index', name: 'customers_country_email_idx', twin: 'customers_country_email_idx_triphase' },
  { kind: 'unique', name: 'customers_email_key', twin: 'customers_email_key_triphase' },
  { kind: 'check', name: 'customers_email_check', twin: 'customers_email_check_triphase' },
] as const;

export const config = { downTransaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await confirmGate(knex, 'customers_email_to_email_address', { phase: 3 });
  await dropTrigger(knex, '00_sync_customers_email_phase_2', { on: '"public"."customers"', revertToVersion: 1 });
  await dropTrigger(knex, '000_sync_customers_email_phase_2', { on: '"public"."customers"', revertToVersion: 1 });
  await dropFunction(knex, 'sync_customers_email_phase_2', { schema: 'public', revertToVersion: 1 });
  await replaceColumn(knex, { on: '"public"."customers"', column: 'email', by: 'email_address', carried });
  await dropStragglers(knex, {
    count: 'stragglers_customers_email_to_email_address',
    last: 'straggler_last_customers_email_to_email_address',
  });
}

export async function down(knex: Knex, { backfill }: MigrationContext): Promise<void> {
  if (!(await hasColumn(knex, '"public"."customers"', 'email'))) {
    await atomically(knex, async (trx) => {
      await restoreTwinNames(trx, { on: '"public"."customers"', column: 'email', by: 'email_address', carried });
      await renameNotNull(trx, { on: '"public"."customers"', column: 'email_address' });
      await createStragglers(trx, {
        count: 'stragglers_customers_email_to_email_address',
        last: 'straggler_last_customers_email_to_email_address',
      });
      await addColumnLike(trx, { on: '"public"."customers"', column: 'email', like: 'email_address' });
      await createFunction(trx, 'sync_customers_email_phase_2', { version: 1 });
      await createTrigger(trx, '00_sync_customers_email_phase_2', { version: 1, on: '"public"."customers"' });
      await createTrigger(trx, '000_sync_customers_email_phase_2', { version: 1, on: '"public"."customers"' });
    });
  }
  await backfill({
    table: '"public"."customers"',
    set: { email: '"email_address"' },
    where: '"email_address" IS DISTINCT FROM "email"',
    exact: true,
  });
  await createIndex(knex, {
    name: 'customers_email_lower_idx',
    on: '"public"."customers"',
    definition: 'USING btree (lower((email)::text))',
  });
  await createIndex(knex, {
    name: 'customers_country_email_idx',
    on: '"public"."customers"',
    definition: 'USING btree (country, email) INCLUDE (name)',
  });
  await createIndex(knex, {
    name: 'customers_email_key',
    on: '"public"."customers"',
    definition: 'USING btree (email)',
    unique: true,
  });
  await addUnique(knex, { on: '"public"."customers"', name: 'customers_email_key' });
  await addConstraint(knex, {
    on: '"public"."customers"',
    name: 'customers_email_check',
    definition: "CHECK ((POSITION(('@'::text) IN (email)) > 1))",
  });
  await setNotNull(knex, { on: '"public"."customers"', column: 'email', like: 'email_address' });
  await restoreIndexRoles(knex, { on: '"public"."customers"', carried });
  await execute(knex, 'ANALYZE "public"."customers" ("email")');
}
