import { PhaseError } from '../domain/errors/phase-error.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';

/** Where the names of an application lead that have no schema: of the session that a ledger was made in, or of this one. */
interface LedgerTarget {
  readonly searchPath: string;
  /** What is created goes there; null where the path leads nowhere. */
  readonly schema: string | null;
}

/**
 * One database can hold an application several times, in schemas of its own, and has one ledger: what was applied in one of them says nothing of the others.
 * A run is always held against it; who only asks may have a path of its own, such as that of the application's role, and is held against it where the URL
 * gives one.
 * @param asks the session only reads.
 * @throws PH3022
 */
export async function ensureSameTarget(db: Queryable, { asks }: { readonly asks: boolean }): Promise<void> {
  const [recorded] = await all<LedgerTarget>(
    db,
    `SELECT pg_catalog.to_jsonb(l) ->> 'search_path' AS "searchPath", pg_catalog.to_jsonb(l) ->> 'target_schema' AS schema FROM phase.ledger l`,
  );
  if (recorded === undefined || recorded.searchPath === null) return;
  const { isGiven, ...current } = await targetOf(db);
  if (asks && !isGiven) return;
  if (current.schema === recorded.schema || isSamePath(current.searchPath, recorded.searchPath)) return;
  throw new PhaseError('PH3022', {
    schema: current.schema,
    searchPath: current.searchPath,
    recorded: recorded.schema,
    recordedPath: recorded.searchPath,
  });
}

/** The schema of a path may come only with a migration; one that stands for the role leads elsewhere for each. */
function isSamePath(one: string, other: string): boolean {
  const plain = (path: string): string => path.replaceAll(/\s/g, '');
  return plain(one) === plain(other) && !one.includes('$user');
}

/** Remembers where a run led to: when it begins, and again when all of it has run, since it may have made the schema. */
export async function recordTarget(db: Queryable): Promise<void> {
  const { searchPath, schema } = await targetOf(db);
  await db.query('UPDATE phase.ledger SET search_path = $1, target_schema = $2', [searchPath, schema]);
}

async function targetOf(db: Queryable): Promise<LedgerTarget & { isGiven: boolean }> {
  const target = await underOwnNames(db, () =>
    one<LedgerTarget>(
      db,
      `SELECT pg_catalog.current_setting('search_path') AS "searchPath", pg_catalog.current_schema()::pg_catalog.text AS schema`,
    ),
  );
  // Of the URL, or PGOPTIONS.
  const { options } = (db as { connectionParameters?: { options?: string } }).connectionParameters ?? {};
  return { ...target, isGiven: options?.includes('search_path') ?? false };
}
