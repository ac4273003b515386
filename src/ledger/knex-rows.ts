import { quoteQualified } from '../domain/identifier.ts';
import { idOfKnexName } from '../domain/knex-name.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import { isoTime } from '../postgres/time.ts';
import type { LedgerRow } from './migrations.ts';
import { ensureTrustedTable } from './owner.ts';

/**
 * What knex has run, for a database in which phase has run nothing yet: `phase init --from-knex` has taken its migrations
 * over under their names. Knex keeps the extension in the name, and no checksum.
 * @throws PH3025 when another role has made that table.
 */
export async function knexRows(db: Queryable, table: string): Promise<LedgerRow[]> {
  const { oid } = await underOwnNames(db, () =>
    one<{ oid: string | null }>(db, 'SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.text AS oid', [
      table,
    ]),
  );
  const [found] = await all<{ schema: string; name: string }>(
    db,
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`,
    [oid],
  );
  if (oid === null || !found) return [];
  await ensureTrustedTable(db, oid, quoteQualified(found));
  const rows = await all<LedgerRow>(
    db,
    `SELECT name AS id, 'schema' AS kind, '0.0.0' AS release, NULL AS rename, NULL AS phase, NULL AS step, NULL AS sha256, NULL AS "manifestSum",
       NULL AS breaks, 'applied' AS state, 0::float8 AS "durationMs",
       ${isoTime('migration_time')} AS "startedAt",
       ${isoTime('migration_time')} AS "appliedAt"
     FROM ${quoteQualified(found)} AS run ORDER BY run.id`,
  );
  return rows.map((row) => ({ ...row, id: idOfKnexName(row.id) }));
}
