import { quoteQualified } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../domain/ledger-schema.ts';
import type { Rename } from '../domain/rename.ts';
import { type LedgerDb, one } from '../postgres/queryable.ts';
import { isoTime } from '../postgres/time.ts';
import { ensureTrustedSchema } from './owner.ts';

/** Writes to the old column since the switch. */
export interface Stragglers {
  readonly count: number;
  readonly lastAt: string | null;
  readonly ageMs: number;
}

/** Reads the two sequences that the sync counts in; nothing before phase 2 and after phase 3. */
export async function readStragglers(db: LedgerDb, rename: Pick<Rename, 'sync'>): Promise<Stragglers> {
  const { count, last, schema = DEFAULT_LEDGER_SCHEMA } = rename.sync.stragglers;
  if (schema !== db.ledgerSchema) await ensureTrustedSchema(db, schema);
  const names = [count, last].map((name) => quoteQualified({ schema, name }));
  const { present } = await one<{ present: boolean }>(
    db,
    'SELECT pg_catalog.to_regclass($1) IS NOT NULL AND pg_catalog.to_regclass($2) IS NOT NULL AS present',
    names,
  );
  if (!present) return { count: 0, lastAt: null, ageMs: Number.POSITIVE_INFINITY };
  const row = await one<{ count: number; lastAt: string | null; ageMs: number | null }>(
    db,
    `SELECT CASE WHEN c.is_called THEN c.last_value ELSE 0 END::float8 AS count,
       CASE WHEN l.is_called THEN ${isoTime('pg_catalog.to_timestamp(l.last_value / 1000.0)')} END AS "lastAt",
       CASE WHEN l.is_called THEN extract(epoch FROM pg_catalog.clock_timestamp()) * 1000 - l.last_value END::float8 AS "ageMs"
     FROM ${names[0]} c, ${names[1]} l`,
  );
  return { ...row, ageMs: row.ageMs ?? Number.POSITIVE_INFINITY };
}
