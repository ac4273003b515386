import type { Knex } from 'knex';
import {
  addConstraint,
  addUnique,
  createIndex,
  dropConstraint,
  dropIndex,
  execute,
  setNotNull,
  unsetNotNull,
} from 'triphase';

// Rename customers_email_to_email_address.
// Phase 1: the new column gets the indexes and constraints of the old one, without long locks.
export const config = { transaction: false, safeToRepeat: true };

export async function up(knex: Knex): Promise<void> {
  await createIndex(knex, {
    name: 'customers_email_lower_idx_triphase',
    on: '"public"."customers"',
    definition: 'USING btree (lower((email_address)::text))',
  });
  await createIndex(knex, {
    name: 'customers_country_email_idx_triphase',
    on: '"public"."customers"',
    definition: 'USING btree (country, email_address) INCLUDE (name)',
  });
  await createIndex(knex, {
    name: 'customers_email_key_triphase',
    on: '"public"."customers"',
    definition: 'USING btree (email_address)',
    unique: true,
  });
  await addUnique(knex, { on: '"public"."customers"', name: 'customers_email_key_triphase' });
  await addConstraint(knex, {
    on: '"public"."customers"',
    name: 'customers_email_check_triphase',
    definition: "CHECK ((POSITION(('@'::text) IN (email_address)) > 1))",
  });
  await setNotNull(knex, { on: '"public"."customers"', column: 'email_address', like: 'email' });
  await execute(knex, 'ANALYZE "public"."customers" ("email_address")');
}

export async function down(knex: Knex): Promise<void> {
  await unsetNotNull(knex, { on: '"public"."customers"', column: 'email_address' });
  await dropConstraint(knex, { on: '"public"."customers"', name: 'customers_email_check_triphase' });
  await dropConstraint(knex, { on: '"public"."customers"', name: 'customers_email_key_triphase' });
  await dropIndex(knex, { on: '"public"."customers"', name: 'customers_email_lower_idx_triphase' });
  await dropIndex(knex, { on: '"public"."customers"', name: 'customers_country_email_idx_triphase' });
}
