import { all, type Queryable } from '../postgres/queryable.ts';

/** What a statement was seen to do to relations that were there before. */
export interface Observed {
  /** By name, such as `public.users`: the strongest lock. */
  readonly locks: ReadonlyMap<string, LockMode>;
  /** Written anew as a whole. */
  readonly rewritten: readonly string[];
  /** Read as a whole. */
  readonly scanned: readonly string[];
}

/** From the weakest to the strongest. Source: https://www.postgresql.org/docs/current/explicit-locking.html */
const MODES = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
] as const;
export type LockMode = (typeof MODES)[number];

const strength = (mode: LockMode): number => MODES.indexOf(mode);

/** What others cannot do meanwhile; null for a lock that only keeps other changes of the schema out. */
export function blockedBy(mode: LockMode): 'reads and writes' | 'writes' | null {
  if (mode === 'AccessExclusiveLock') return 'reads and writes';
  return strength(mode) >= strength('ShareLock') ? 'writes' : null;
}

interface RelationRow {
  oid: string;
  name: string;
  file: string;
  scans: string;
}

interface HeldLock {
  relation: string;
  /** Of the table, where the relation is an index. */
  oid: string;
  mode: LockMode;
}

const RELATIONS = `
  SELECT c.oid::text AS oid, n.nspname || '.' || c.relname AS name, c.relfilenode::text AS file, coalesce(pg_stat_get_xact_numscans(c.oid), 0)::text AS scans
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;

const LOCKS = `
  SELECT l.relation::text AS relation, coalesce(i.indrelid, l.relation)::text AS oid, l.mode FROM pg_locks l LEFT JOIN pg_index i ON i.indexrelid = l.relation
  WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** A statement that is under way cannot be asked; what is known of it is its kind. */
const ALONE: LockMode = 'ShareUpdateExclusiveLock';

/**
 * Runs a statement and looks what it does, before its transaction ends. On a database that nobody else uses.
 * @param isAlone it cannot run in a transaction.
 * @throws what the statement throws; then nothing has been done.
 */
export async function observe(db: Queryable, sql: string, isAlone: boolean): Promise<Observed> {
  if (isAlone) {
    await db.query(sql);
    const table = /\sON (?:ONLY )?("?[^\s"]+"?\."?[^\s("]+"?)/.exec(sql)?.[1]?.replaceAll('"', '');
    return {
      locks: new Map(table === undefined ? [] : [[table, ALONE]]),
      rewritten: [],
      scanned: table === undefined ? [] : [table],
    };
  }
  await db.query('BEGIN');
  try {
    const before = new Map((await all<RelationRow>(db, RELATIONS)).map((row) => [row.oid, row]));
    // What was just made nobody waits for.
    const known = new Set(
      (await all<{ oid: string }>(db, 'SELECT oid::text AS oid FROM pg_class')).map(({ oid }) => oid),
    );
    await db.query(sql);
    const after = new Map((await all<RelationRow>(db, RELATIONS)).map((row) => [row.oid, row]));
    const held = (await all<HeldLock>(db, LOCKS)).filter(({ relation }) => known.has(relation));
    await db.query('COMMIT');
    return observedOf(before, after, held);
  } catch (error) {
    await db.query('ROLLBACK');
    throw error;
  }
}

function observedOf(
  before: ReadonlyMap<string, RelationRow>,
  after: ReadonlyMap<string, RelationRow>,
  held: readonly HeldLock[],
): Observed {
  const locks = new Map<string, LockMode>();
  for (const { oid, mode } of held) {
    const name = before.get(oid)?.name;
    const known = name === undefined ? undefined : locks.get(name);
    if (name !== undefined && (known === undefined || strength(mode) > strength(known))) locks.set(name, mode);
  }
  const changed = (isChanged: (old: RelationRow, now: RelationRow) => boolean): string[] =>
    [...before.values()]
      .filter((old) => {
        const now = after.get(old.oid);
        return now !== undefined && isChanged(old, now);
      })
      .map(({ name }) => name);
  return {
    locks,
    rewritten: changed((old, now) => old.file !== now.file),
    scanned: changed((old, now) => old.scans !== now.scans),
  };
}
