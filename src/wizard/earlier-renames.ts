import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import type { Rename } from '../domain/rename.ts';
import { codeOf, sqlState } from '../postgres/errors.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import type { History } from '../project/history.ts';

/** How far a rename has come in a database. */
export type RenameState = 'not begun' | 'under way' | 'ended';

/** The release that a rename ends in: where its third phase stands. */
export function lastRelease({ manifests }: History, rename: string): Release | null {
  const last = manifests.find(({ migrations }) =>
    migrations.some((entry) => entry.rename === rename && entry.phase === 3),
  );
  return last?.release ?? null;
}

/** Renames of columns of a table that end before a release, in the order in which they do. */
export function earlierRenames(history: History, table: QualifiedName, first: Release): Rename[] {
  const ends = (rename: Rename): Release => lastRelease(history, rename.name) ?? first;
  return [...history.renames.values()]
    .filter(
      (rename) => quoteQualified(rename.table) === quoteQualified(table) && compareReleases(ends(rename), first) < 0,
    )
    .sort((a, b) => compareReleases(ends(a), ends(b)));
}

/** In the ledger, else by what is there: a database may have been made without one. */
export async function stateOf(db: Queryable, { name, table, from, to, sync }: Rename): Promise<RenameState> {
  if (await hasEnded(db, name)) return 'ended';
  const { old, made, synced } = await one<{ old: boolean; made: boolean; synced: boolean }>(
    db,
    `SELECT coalesce(bool_or(a.attname = $2), false) AS old, coalesce(bool_or(a.attname = $3), false) AS made,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = to_regclass($1) AND t.tgname = ANY ($4)) AS synced
     FROM pg_catalog.pg_attribute a WHERE a.attrelid = to_regclass($1) AND NOT a.attisdropped`,
    [quoteQualified(table), from, to, sync.triggers],
  );
  if (synced) return 'under way';
  return old && !made ? 'not begun' : 'ended';
}

async function hasEnded(db: Queryable, rename: string): Promise<boolean> {
  const { ledger } = await one<{ ledger: boolean }>(db, `SELECT to_regclass('phase.migrations') IS NOT NULL AS ledger`);
  if (!ledger) return false;
  const rows = await all(db, `SELECT FROM phase.migrations WHERE rename = $1 AND phase = 3 AND state = 'applied'`, [
    rename,
  ]);
  return rows.length > 0;
}

/**
 * Gives columns the names that they will have once earlier renames have run, in a transaction that is rolled back: what
 * is read afterwards has the names of that time.
 * @throws PH4002 when somebody uses the table all the time.
 */
export async function renameInAdvance(db: Queryable, renames: readonly Rename[]): Promise<void> {
  for (const rename of renames) {
    if ((await stateOf(db, rename)) !== 'not begun') continue;
    const { table, from, to } = rename;
    // Whoever uses the table at this moment is not kept waiting behind us.
    await db.query("SET LOCAL lock_timeout = '2s'");
    const sql = `ALTER TABLE ${quoteQualified(table)} RENAME COLUMN ${quoteIdent(from)} TO ${quoteIdent(to)}`;
    await db.query(sql).catch((error) => {
      if (codeOf(error) !== sqlState.lockNotAvailable) throw error;
      throw new PhaseError(
        'PH4002',
        { what: `reading ${quoteQualified(table)}`, attempts: 1, blockers: [] },
        { cause: error },
      );
    });
  }
}
