import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { holdsLedger } from '../domain/ledger-schema.ts';
import { all, type LedgerDb, one, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import { isTrusted } from '../postgres/trust.ts';
import { ledgerOf } from './connection.ts';
import { ME_WHO_MIGRATES } from './owner.ts';

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
export async function ensureSameTarget(db: LedgerDb, { asks }: { readonly asks: boolean }): Promise<void> {
  const recorded = await recordedTarget(db, ledgerOf(db));
  if (recorded === undefined || recorded.searchPath === null) return;
  const { isGiven, ...current } = await targetOf(db);
  if (asks && !isGiven) return;
  if (isSame(current, recorded)) return;
  throw new PhaseError('PH3022', {
    schema: current.schema,
    searchPath: current.searchPath,
    recorded: recorded.schema,
    recordedPath: recorded.searchPath,
    ledger: ledgerOf(db),
  });
}

/**
 * Each application of a database has a ledger of its own. One that leads to the same schema and lists migrations of this project is this project's, and
 * without it all of them would run again. One that the role may not read, or whose owner it does not trust, is somebody else's.
 * @param own ids of the project's migrations.
 * @throws PH3024
 */
export async function ensureNotElsewhere(
  db: LedgerDb,
  own: readonly string[],
  { asks }: { readonly asks: boolean },
): Promise<void> {
  const { isGiven, ...current } = await targetOf(db);
  if (asks && !isGiven) return;
  const others = await all<{ schema: string }>(
    db,
    `SELECT n.nspname AS schema FROM pg_catalog.pg_namespace n, ${ME_WHO_MIGRATES}
     WHERE ${holdsLedger('n.oid')} AND ${isTrusted('n.nspowner', 'me.oid')} AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND (
       SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c
       WHERE c.relnamespace = n.oid AND c.relname IN ('ledger', 'migrations') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')) = 2
     ORDER BY 1`,
  );
  for (const { schema } of others) {
    const recorded = await recordedTarget(db, quoteIdent(schema));
    if (recorded !== undefined && recorded.searchPath !== null && !isSame(current, recorded)) continue;
    const sql = `SELECT id FROM ${quoteIdent(schema)}.migrations WHERE id = ANY ($1) ORDER BY id LIMIT 1`;
    const [known] = await all<{ id: string }>(db, sql, [own]);
    if (known !== undefined) throw new PhaseError('PH3024', { wanted: db.ledgerSchema, schema, id: known.id });
  }
}

/** Nothing in it where a ledger is of a format that keeps none. @param ledger its schema, quoted. */
async function recordedTarget(db: Queryable, ledger: string): Promise<LedgerTarget | undefined> {
  const [recorded] = await all<LedgerTarget>(
    db,
    `SELECT pg_catalog.to_jsonb(l) ->> 'search_path' AS "searchPath", pg_catalog.to_jsonb(l) ->> 'target_schema' AS schema FROM ${ledger}.ledger l`,
  );
  return recorded;
}

function isSame(current: LedgerTarget, recorded: LedgerTarget): boolean {
  return current.schema === recorded.schema || isSamePath(current.searchPath, recorded.searchPath);
}

/** The schema of a path may come only with a migration; one that stands for the role leads elsewhere for each. */
function isSamePath(one: string, other: string): boolean {
  const plain = (path: string): string => path.replaceAll(/\s/g, '');
  return plain(one) === plain(other) && !one.includes('$user');
}

/** Remembers where a run led to: when it begins, and again when all of it has run, since it may have made the schema. */
export async function recordTarget(db: LedgerDb): Promise<void> {
  const { searchPath, schema } = await targetOf(db);
  await db.query(`UPDATE ${ledgerOf(db)}.ledger SET search_path = $1, target_schema = $2`, [searchPath, schema]);
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
