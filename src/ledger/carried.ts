import type { Rename, TwinnedObject } from '../domain/rename.ts';
import { all, type LedgerDb } from '../postgres/queryable.ts';
import { ledgerOf } from './connection.ts';

/** Keeps what has a counterpart on the new column in this database, besides what the files of a rename say. */
export async function addCarried(db: LedgerDb, rename: string, objects: readonly TwinnedObject[]): Promise<void> {
  for (const object of objects) {
    await db.query(`INSERT INTO ${ledgerOf(db)}.carried (rename, object) VALUES ($1, $2)`, [
      rename,
      JSON.stringify(object),
    ]);
  }
}

/** What this database carries over of a rename, besides what the files say. */
export async function readCarried(db: LedgerDb, rename: string): Promise<TwinnedObject[]> {
  const rows = await all<{ object: TwinnedObject }>(
    db,
    `SELECT object FROM ${ledgerOf(db)}.carried WHERE rename = $1 ORDER BY number`,
    [rename],
  );
  return rows.map(({ object }) => object);
}

/** Adds what this database carries over to what the files say. The ledger has to be up to date. */
export async function withCarried(db: LedgerDb, renames: Map<string, Rename>): Promise<void> {
  const rows = await all<{ rename: string; object: TwinnedObject }>(
    db,
    `SELECT rename, object FROM ${ledgerOf(db)}.carried ORDER BY number`,
  );
  for (const { rename: name, object } of rows) {
    const rename = renames.get(name);
    if (rename !== undefined) renames.set(name, { ...rename, refreshed: [...rename.refreshed, object] });
  }
}
