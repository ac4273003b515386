import type { Knex } from 'knex';
import type { MigrationContext } from 'triphase';

// Split books_title_to_main_title_subtitle.
// Phase 1: every row that still needs it is filled by the maps, in batches.
export const config = { transaction: false, downTransaction: true, safeToRepeat: true };

export async function up(_knex: Knex, { backfill }: MigrationContext): Promise<void> {
  await backfill({
    table: '"public"."books"',
    set: {
      main_title: '(split_part("title", \': \', 1))',
      subtitle: '(nullif(substr("title", length(split_part("title", \': \', 1)) + 3), \'\'))',
    },
    where:
      'CASE WHEN "main_title" IS NOT DISTINCT FROM CAST((split_part("title", \': \', 1)) AS text) AND "subtitle" IS NOT DISTINCT FROM CAST((nullif(substr("title", length(split_part("title", \': \', 1)) + 3), \'\')) AS text) THEN false WHEN "main_title" IS NOT DISTINCT FROM NULL AND "subtitle" IS NOT DISTINCT FROM NULL THEN true ELSE NOT ("title" IS NOT DISTINCT FROM CAST(("main_title" || coalesce(\': \' || "subtitle", \'\')) AS text)) END',
    exact: true,
  });
}

export async function down(): Promise<void> {
  // Nothing to undo: the values go with the column.
}
