import { idOfKnexName } from '../domain/knex-name.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { isoTime } from '../postgres/time.ts';
import { knexTableIn } from './knex-state.ts';
import type { LedgerRow } from './migrations.ts';

/**
 * What knex has run, for a database in which phase has run nothing yet: `phase init --from-knex` has taken its migrations
 * over under their names. Knex keeps the extension in the name, and no checksum.
 * @throws PH3025 when another role has made that table.
 */
export async function knexRows(db: Queryable, table: string): Promise<LedgerRow[]> {
  const found = await knexTableIn(db, table);
  if (found === null) return [];
  const rows = await all<LedgerRow>(
    db,
    `SELECT name AS id, 'schema' AS kind, '0.0.0' AS release, NULL AS rename, NULL AS phase, NULL AS step, NULL AS sha256, NULL AS "manifestSum",
       NULL AS breaks, 'applied' AS state, 0::float8 AS "durationMs",
       ${isoTime('migration_time')} AS "startedAt",
       ${isoTime('migration_time')} AS "appliedAt"
     FROM ${found.qualified} AS run ORDER BY run.id`,
  );
  return rows.map((row) => ({ ...row, id: idOfKnexName(row.id) }));
}
