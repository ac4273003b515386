import type { Knex } from 'knex';
import { insertMissing, type MigrationContext } from 'triphase';

// Move customers_visits_to_cards_visits.
// Phase 1: every row that still needs it gets its value from the other table, in batches.
export const config = { transaction: false, downTransaction: true, safeToRepeat: true };

export async function up(_knex: Knex, { backfill, inBatches }: MigrationContext): Promise<void> {
  await inBatches(
    {
      table: '"public"."customers"',
      columns: ['id', 'visits'],
      where:
        '"visits" IS DISTINCT FROM NULL AND NOT EXISTS (SELECT FROM (SELECT "customer_id" AS triphase_1 FROM "public"."cards") AS triphase_target WHERE triphase_1 = "id")',
    },
    (rows, trx) => insertMissing(trx, 'customers_visits_to_cards_visits', rows),
  );
  await backfill({
    table: '"public"."cards"',
    set: {
      visits:
        '(SELECT triphase_value FROM (SELECT "id" AS triphase_1, "visits" AS triphase_value FROM "public"."customers") AS triphase_source WHERE triphase_1 = "customer_id" FOR NO KEY UPDATE)',
    },
    where:
      '(SELECT triphase_value IS DISTINCT FROM "visits" FROM (SELECT "id" AS triphase_1, "visits" AS triphase_value FROM "public"."customers") AS triphase_source WHERE triphase_1 = "customer_id")',
    exact: true,
  });
}

export async function down(): Promise<void> {
  // Nothing to undo: the values go with the column.
}
