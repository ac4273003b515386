import type { FormerLedger } from '../domain/former-ledger.ts';
import { type LedgerDb, one } from '../postgres/queryable.ts';
import { ledgerOf } from './connection.ts';
import { ensureKnownFormat, ledgerFormat, servedBefore } from './format.ts';
import { formerRows } from './former-ledger.ts';
import { type LedgerRow, readMigrations } from './migrations.ts';
import { type ReleaseProgress, readReleases } from './releases.ts';
import { ensureNotElsewhere, ensureSameTarget } from './target.ts';

/** The ledger's present: what is applied and how far the releases have come. */
export interface Ledger extends ReleaseProgress {
  /** In the order in which they ran. */
  readonly rows: readonly LedgerRow[];
  readonly servedBefore: boolean;
}

/** What a ledger is read for. */
export interface LedgerQuestion {
  /** Where the former tool keeps what it has run. */
  readonly former: () => Promise<FormerLedger>;
  /** Ids of the project's migrations. */
  readonly own: readonly string[];
  /** The session only asks what is applied. */
  readonly asks?: boolean;
}

/**
 * Reads the ledger; one that does not exist yet, or is empty, has what the former tool has run.
 * @throws PH3013 when a newer tool wrote it, PH3022 when it was made for another schema, PH3024 when it is in another schema.
 */
export async function readLedger(db: LedgerDb, { former, own, asks = false }: LedgerQuestion): Promise<Ledger> {
  const format = await ledgerFormat(db);
  ensureKnownFormat(format);
  if (format === 0) {
    await ensureNotElsewhere(db, own, { asks });
    const none = { migrated: [], confirmed: null, since: [] };
    return { rows: await formerRows(db, await former()), servedBefore: await servedBefore(db), ...none };
  }
  const rows = await readMigrations(db, format);
  await ensureSameTarget(db, { asks });
  const { served } = await one<{ served: boolean }>(db, `SELECT served_before AS served FROM ${ledgerOf(db)}.ledger`);
  return {
    rows: rows.length === 0 ? await formerRows(db, await former()) : rows,
    servedBefore: served,
    ...(await readReleases(db, format)),
  };
}

/** Ids that are applied. */
export function appliedIds({ rows }: Ledger): Set<string> {
  return new Set(rows.filter(({ state }) => state === 'applied').map(({ id }) => id));
}
