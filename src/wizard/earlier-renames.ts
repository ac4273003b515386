import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { releaseOfPhase } from '../domain/manifest.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { type Rename, wholeOf } from '../domain/rename.ts';
import { migrationsSoFar } from '../ledger/migrations.ts';
import { codeOf, sqlState } from '../postgres/errors.ts';
import { type LedgerDb, one } from '../postgres/queryable.ts';
import type { History } from '../project/history.ts';

/** How far a rename has come in a database. */
export type RenameState = 'not begun' | 'under way' | 'ended';

/** Renames that end before a release, in the order in which they do: of all tables, since keys join them. */
export function earlierRenames(history: History, first: Release): Rename[] {
  const ends = (rename: Rename): Release => releaseOfPhase(history.manifests, wholeOf(rename), 3) ?? first;
  return [...history.renames.values()]
    .filter((rename) => compareReleases(ends(rename), first) < 0)
    .sort((a, b) => compareReleases(ends(a), ends(b)));
}

/** By the ledger, else by what is there: a database may have been made without one. */
export async function stateOf(db: LedgerDb, change: Rename): Promise<RenameState> {
  const { table, from, to, sync } = change;
  const ledger = await phasesInLedger(db, wholeOf(change));
  if (ledger?.includes(3)) return 'ended';
  const { old, made, synced } = await one<{ old: boolean; made: boolean; synced: boolean }>(
    db,
    `SELECT coalesce(bool_or(a.attname = $2), false) AS old, coalesce(bool_or(a.attname = $3), false) AS made,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = to_regclass($1) AND t.tgname = ANY ($4::text[]))
         OR cardinality($4::text[]) = 0 AND count(*) FILTER (WHERE a.attname IN ($2, $3) AND a.attgenerated <> '') = 2 AS synced
     FROM pg_catalog.pg_attribute a WHERE a.attrelid = to_regclass($1) AND NOT a.attisdropped`,
    [quoteQualified(table), from, to, sync.triggers],
  );
  if (synced) return 'under way';
  // A column of the new name may be that of another rename, which has not given it up yet.
  return old && (ledger !== null || !made) ? 'not begun' : 'ended';
}

/** The phases of a rename that have run; null where the ledger has nothing at all. */
async function phasesInLedger(db: LedgerDb, rename: string): Promise<number[] | null> {
  const rows = (await migrationsSoFar(db)).filter(({ state }) => state === 'applied');
  return rows.length === 0 ? null : rows.filter((row) => row.rename === rename).map(({ phase }) => phase ?? 0);
}

/**
 * Gives columns the names that they will have once earlier renames have run, in a transaction that is rolled back: what
 * is read afterwards has the names of that time.
 * @returns those that it has renamed.
 * @throws PH2002 when a new name is still another column's, PH4002 when somebody uses a table all the time.
 */
export async function renameInAdvance(db: LedgerDb, renames: readonly Rename[], what: string): Promise<Rename[]> {
  const renamed: Rename[] = [];
  for (const rename of renames) {
    // Another type keeps the name.
    if (rename.retype !== null || (await stateOf(db, rename)) !== 'not begun') continue;
    const { table, from, to } = rename;
    // Whoever uses the table at this moment is not kept waiting behind us.
    await db.query("SET LOCAL lock_timeout = '2s'");
    const sql = `ALTER TABLE ${quoteQualified(table)} RENAME COLUMN ${quoteIdent(from)} TO ${quoteIdent(to)}`;
    await db.query(sql).catch((error) => {
      throw refusalOf(error, rename, what) ?? error;
    });
    renamed.push(rename);
  }
  return renamed;
}

function refusalOf(cause: unknown, { name, table, to }: Rename, what: string): PhaseError | null {
  switch (codeOf(cause)) {
    case sqlState.lockNotAvailable:
      return new PhaseError(
        'PH4002',
        { what: `reading ${quoteQualified(table)}`, attempts: 1, blockers: [] },
        { cause },
      );
    case sqlState.duplicateColumn: {
      const reason = `${name} comes first, and in this database ${quoteQualified(table)} still has another column ${to}.`;
      const remedy = `Bring the renames before ${name} to their end first, on a database for development: phase migrate --maintenance.`;
      return new PhaseError('PH2002', { rename: what, other: name, reason, remedy }, { cause });
    }
    default:
      return null;
  }
}
