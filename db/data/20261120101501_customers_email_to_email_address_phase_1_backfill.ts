import type { Knex } from 'knex';
import type { MigrationContext } from 'triphase';

// Rename customers_email_to_email_address.
// Phase 1: every row that still needs it is copied to the new column, in batches.
export const config = { transaction: false, downTransaction: true, safeToRepeat: true };

export async function up(_knex: Knex, { backfill }: MigrationContext): Promise<void> {
  await backfill({
    table: '"public"."customers"',
    set: { email_address: '"email"' },
    where: '"email" IS DISTINCT FROM "email_address"',
    exact: true,
  });
}

export async function down(): Promise<void> {
  // Nothing to undo: the values go with the column.
}
