import type pg from 'pg';
import type { PhaseError } from '../domain/errors/phase-error.ts';
import { holdsLedger } from '../domain/ledger-schema.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { LockObserver, type ObservedLocks } from '../postgres/lock-observer.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import type { Project } from '../project/config.ts';
import type { History } from '../project/history.ts';
import type { FollowedChange } from '../runner/pairs/pair.ts';
import type { RunObserver } from '../runner/session.ts';
import { baseOf, type Replay, withReplay } from './replay.ts';
import type { ShadowServer } from './shadow.ts';

/** A migration that was seen to alter one column of a rename that is under way. */
interface ObservedChange extends FollowedChange {
  readonly id: string;
}

/** What some migrations were seen to touch. */
export interface ObservedTouches {
  /** By id: tables, views and sequences as `schema.name`, functions as `schema.name(arguments)`,
   * types like tables, schemas by their name; sorted. */
  readonly touches: ReadonlyMap<string, readonly string[]>;
  /** By id: the modes in which its tables were locked. */
  readonly locks: ReadonlyMap<string, ObservedLocks>;
  /** Migrations that alter one column of a rename alone, which the other one had to follow. */
  readonly followed: readonly ObservedChange[];
  /** Where the replay ended too early: this migration failed, and those after it are not known. */
  readonly failed: { readonly id: string; readonly error: PhaseError } | null;
}

/**
 * Runs migrations on a shadow server and looks which tables each one locks.
 * @param steps all, in order; @param wanted ids of those to look at.
 */
export async function observeTouches(
  server: ShadowServer,
  { project, history }: { readonly project: Project; readonly history: History },
  steps: readonly OrderedMigration[],
  wanted: ReadonlySet<string>,
): Promise<ObservedTouches> {
  const first = steps.findIndex(({ id }) => wanted.has(id));
  const last = steps.findLastIndex(({ id }) => wanted.has(id));
  const found: Mutable = { touches: new Map(), locks: new Map(), followed: [], failed: null };
  if (first === -1) return found;
  const watch = new Watch((change) => void (wanted.has(change.id) && found.followed.push(change)));
  await server.withClone(baseOf({ project, history }, steps.slice(0, first)), (url) =>
    withReplay({ project, history, url, observer: watch }, async (replay) => {
      for (const step of steps.slice(first, last + 1)) {
        if (!(await observe(replay, step, watch, found))) return;
        if (!wanted.has(step.id)) found.touches.delete(step.id);
      }
    }),
  );
  return found;
}

interface Mutable {
  readonly touches: Map<string, readonly string[]>;
  readonly locks: Map<string, ObservedLocks>;
  readonly followed: ObservedChange[];
  failed: ObservedTouches['failed'];
}

/** What is seen of one migration. */
class Watch implements RunObserver {
  readonly locks = new LockObserver();
  /** As migrations name them. An empty table is not locked by a backfill that finds nothing to do. */
  readonly tables = new Set<string>();
  readonly #onFollowed: (change: ObservedChange) => void;

  constructor(onFollowed: (change: ObservedChange) => void) {
    this.#onFollowed = onFollowed;
  }

  followed(id: string, change: FollowedChange): void {
    this.#onFollowed({ id, ...change });
  }

  connection(client: pg.Client): void {
    this.locks.watch(client);
  }

  table(name: string): void {
    this.tables.add(name);
  }

  async begin(db: Queryable): Promise<void> {
    this.tables.clear();
    await this.locks.begin(db);
  }

  async end(db: Queryable): Promise<ObservedLocks> {
    const named = await underOwnNames(db, () =>
      all<{ name: string }>(
        db,
        `SELECT n.nspname::text || '.' || c.relname::text AS name FROM pg_catalog.unnest($1::text[]) AS t(name)
         JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(t.name) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
        [[...this.tables]],
      ),
    );
    for (const { name } of named) this.locks.note(name);
    return this.locks.locks;
  }
}

async function observe(replay: Replay, step: OrderedMigration, watch: Watch, found: Mutable): Promise<boolean> {
  const db = replay.session.lock.client;
  await watch.begin(db);
  const before = await unlocked(db);
  try {
    await replay.run(step);
  } catch (error) {
    found.failed = { id: step.id, error: error as PhaseError };
    return false;
  }
  // The functions of a rename's sync are its own, and nobody else's concern.
  const changed = step.rename === undefined ? difference(before, await unlocked(db)) : [];
  const locks = await watch.end(db);
  found.touches.set(step.id, [...new Set([...locks.keys(), ...changed])].sort());
  found.locks.set(step.id, locks);
  return true;
}

/** Functions, types and schemas: what no lock shows. */
async function unlocked(db: Queryable): Promise<Map<string, string>> {
  const rows = await all<{ name: string; version: string }>(
    db,
    `SELECT n.nspname || '.' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name,
       p.oid || ' ' || p.xmin::text AS version
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT ${holdsLedger('n.oid')}
     UNION ALL
     SELECT n.nspname || '.' || t.typname, t.oid || ' ' || t.xmin::text || coalesce((SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
       FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid), '')
     FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT ${holdsLedger('n.oid')} AND (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c')
     UNION ALL
     SELECT n.nspname, n.oid::text FROM pg_catalog.pg_namespace n
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT ${holdsLedger('n.oid')}`,
  );
  return new Map(rows.map(({ name, version }) => [name, version]));
}

function difference(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
}
