import { quoteLiteral } from '../domain/identifier.ts';
import type { Release } from '../domain/release.ts';
import { all, type LedgerDb } from '../postgres/queryable.ts';
import { ledgerOf } from './connection.ts';

/** How far the releases have come. */
export interface ReleaseProgress {
  /** Releases that were migrated, the last one last. */
  readonly migrated: readonly Release[];
  /** The release whose roll-out was confirmed last. */
  readonly confirmed: Release | null;
  /** Releases that were migrated to after that. */
  readonly since: readonly Release[];
}

/** @param format of the ledger; before the fifth only times told what came after what. */
export async function readReleases(db: LedgerDb, format: number): Promise<ReleaseProgress> {
  const [migratedBy, confirmedBy] =
    format < 5 ? ['migrated_at', 'confirmed_at'] : ['migrated_order', 'confirmed_order'];
  const releases = `${ledgerOf(db)}.releases`;
  const named = async (rest: string): Promise<Release[]> =>
    (await all<{ release: Release }>(db, `SELECT release FROM ${releases} WHERE ${rest}`)).map(
      ({ release }) => release,
    );
  const [confirmed = null] = await named(`${confirmedBy} IS NOT NULL ORDER BY ${confirmedBy} DESC LIMIT 1`);
  return {
    migrated: await named(`${migratedBy} IS NOT NULL ORDER BY ${migratedBy}`),
    confirmed,
    since: await named(`${migratedBy} > (SELECT max(${confirmedBy}) FROM ${releases}) ORDER BY ${migratedBy}`),
  };
}

export async function recordMigrated(db: LedgerDb, release: Release): Promise<void> {
  await db.query(recordRelease(db, release, 'migrated'));
}

export async function recordConfirmed(db: LedgerDb, release: Release): Promise<void> {
  await db.query(recordRelease(db, release, 'confirmed'));
}

/** The statement that says of a release, now and after all that was recorded before, that it was migrated to or confirmed. */
export function recordRelease(
  db: Pick<LedgerDb, 'ledgerSchema'>,
  release: Release,
  what: 'migrated' | 'confirmed',
): string {
  const [at, order] = [`${what}_at`, `${what}_order`];
  const ledger = ledgerOf(db);
  const sequence = quoteLiteral(`${ledger}.release_order`);
  return `INSERT INTO ${ledger}.releases (release, ${at}, ${order}) VALUES (${quoteLiteral(release)}, clock_timestamp(), nextval(${sequence}))
     ON CONFLICT (release) DO UPDATE SET ${at} = excluded.${at}, ${order} = excluded.${order}`;
}
