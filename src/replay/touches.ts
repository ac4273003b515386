import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { PhaseError } from '../domain/errors/phase-error.ts';
import { holdsLedger } from '../domain/ledger-schema.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { toolVersion } from '../ledger/tool-version.ts';
import { LockObserver, type ObservedLocks } from '../postgres/lock-observer.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import type { Project } from '../project/config.ts';
import type { History } from '../project/history.ts';
import type { FollowedChange } from '../runner/pairs/pair.ts';
import type { RunObserver } from '../runner/session.ts';
import { type Replay, type ReplayKeys, replayKeys, withReplay } from './replay.ts';
import { SentStatements } from './sent-statements.ts';
import { GrownGone, type ShadowServer } from './shadow.ts';

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
  /** By id: the statements that a module sent by knex, each once; of a script they stand in its file. */
  readonly statements: ReadonlyMap<string, readonly string[]>;
  /** By id: tables that were there before, and were written anew as a whole. */
  readonly rewritten: ReadonlyMap<string, readonly string[]>;
  /** Migrations that alter one column of a rename alone, which the other one had to follow. */
  readonly followed: readonly ObservedChange[];
  /** Where the replay ended too early: this migration failed, and those after it are not known. */
  readonly failed: { readonly id: string; readonly error: PhaseError } | null;
}

/**
 * Runs migrations on a shadow server and looks which tables each one locks. What has run is kept there with what was seen, so that the
 * next time only those run that are new, and those after them.
 * @param steps all, in order; @param wanted ids of those to look at.
 */
export async function observeTouches(
  server: ShadowServer,
  project: Observed,
  steps: readonly OrderedMigration[],
  wanted: ReadonlySet<string>,
): Promise<ObservedTouches> {
  for (;;) {
    try {
      return await observeOnce(server, project, steps, wanted);
    } catch (error) {
      // Another run has kept newer ones; it begins from what is there now.
      if (!(error instanceof GrownGone)) throw error;
    }
  }
}

interface Observed {
  readonly project: Project;
  readonly history: History;
}

async function observeOnce(
  server: ShadowServer,
  { project, history }: Observed,
  steps: readonly OrderedMigration[],
  wanted: ReadonlySet<string>,
): Promise<ObservedTouches> {
  const first = steps.findIndex(({ id }) => wanted.has(id));
  const last = steps.findLastIndex(({ id }) => wanted.has(id));
  if (first === -1) return resultOf(emptyHanded(), wanted);
  const upTo = steps.slice(0, last + 1);
  const { keys, keepable } = await keysOf(project, history, upTo);
  let { grown, seen } = await furthestOf(server, keys);
  const place = (): string | null => (grown === 0 ? null : (keys[grown] ?? null));
  // What is there before the first of them stays, whatever becomes of them.
  for (const end of [Math.min(first, keepable), keepable]) {
    if (end <= grown) continue;
    if (seen.failed !== null) break;
    await server.grow(place(), async (url) => {
      await withReplay({ project, history, url, observer: seen.watch }, (replay) =>
        observeAll(replay, steps.slice(grown, end), seen),
      );
      return seen.failed === null ? { key: keys[end] ?? '', note: noteOf(seen) } : null;
    });
    grown = end;
  }
  const rest = upTo.slice(grown);
  if (seen.failed === null && rest.length > 0) {
    await server.grow(place(), async (url) => {
      await withReplay({ project, history, url, observer: seen.watch }, (replay) => observeAll(replay, rest, seen));
      return null;
    });
  }
  return resultOf(seen, wanted);
}

/** What is known of migrations that have run, with what looks at the next ones. */
interface Seen {
  readonly touches: Map<string, readonly string[]>;
  readonly locks: Map<string, ObservedLocks>;
  readonly statements: Map<string, readonly string[]>;
  readonly rewritten: Map<string, readonly string[]>;
  readonly followed: ObservedChange[];
  failed: ObservedTouches['failed'];
  readonly watch: Watch;
}

function emptyHanded(): Seen {
  const followed: ObservedChange[] = [];
  const watch = new Watch((change) => void followed.push(change));
  return {
    touches: new Map(),
    locks: new Map(),
    statements: new Map(),
    rewritten: new Map(),
    followed,
    failed: null,
    watch,
  };
}

/** Of what is kept beside a state: another one is not read. */
const NOTE_FORMAT = 2;

/** Those of states that may be kept: with the version that looks, and what the configuration lets run. */
async function keysOf(project: Project, history: History, steps: readonly OrderedMigration[]): Promise<ReplayKeys> {
  const { keys, keepable } = await replayKeys(project, history, steps);
  const around = [toolVersion(), NOTE_FORMAT, project.config.rewriteLimit];
  const own = keys.slice(0, keepable + 1).map((key) =>
    createHash('sha256')
      .update(JSON.stringify([...around, key]))
      .digest('hex')
      .slice(0, 24),
  );
  return { keys: own, keepable };
}

/** The furthest that is kept: how many have run in it, and what was seen of them. */
async function furthestOf(server: ShadowServer, keys: readonly string[]): Promise<{ grown: number; seen: Seen }> {
  const kept = await server.grown();
  const grown = keys.findLastIndex((key) => kept.has(key));
  const seen = emptyHanded();
  if (grown < 1) return { grown: 0, seen };
  const note = JSON.parse(kept.get(keys[grown] ?? '') ?? '') as Note;
  for (const { id, touches, locks, statements, rewritten } of note.steps) {
    seen.touches.set(id, touches);
    seen.statements.set(id, statements);
    seen.rewritten.set(id, rewritten);
    seen.locks.set(id, new Map(locks.map(([name, modes]) => [name, new Set(modes)])));
  }
  seen.followed.push(...note.followed);
  return { grown, seen };
}

/** As it stands beside the database. */
interface Note {
  readonly steps: readonly {
    readonly id: string;
    readonly touches: readonly string[];
    readonly locks: readonly (readonly [name: string, modes: readonly string[]])[];
    readonly statements: readonly string[];
    readonly rewritten: readonly string[];
  }[];
  readonly followed: readonly ObservedChange[];
}

function noteOf({ touches, locks, statements, rewritten, followed }: Seen): string {
  const steps = [...touches].map(([id, names]) => {
    const modes = [...(locks.get(id) ?? [])].map(([name, held]) => [name, [...held]] as const);
    return {
      id,
      touches: names,
      locks: modes,
      statements: statements.get(id) ?? [],
      rewritten: rewritten.get(id) ?? [],
    };
  });
  const note: Note = { steps, followed };
  return JSON.stringify(note);
}

function resultOf(
  { touches, locks, statements, rewritten, followed, failed }: Seen,
  wanted: ReadonlySet<string>,
): ObservedTouches {
  const of = <T>(all: ReadonlyMap<string, T>): Map<string, T> => new Map([...all].filter(([id]) => wanted.has(id)));
  return {
    touches: of(touches),
    locks: of(locks),
    statements: of(statements),
    rewritten: of(rewritten),
    followed: followed.filter(({ id }) => wanted.has(id)),
    failed,
  };
}

async function observeAll(replay: Replay, steps: readonly OrderedMigration[], seen: Seen): Promise<void> {
  for (const step of steps) if (!(await observe(replay, step, seen))) return;
}

/** What is seen of one migration. */
class Watch implements RunObserver {
  readonly locks = new LockObserver();
  readonly sent = new SentStatements();
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
    this.sent.watch(client);
  }

  table(name: string): void {
    this.tables.add(name);
  }

  async begin(db: Queryable): Promise<void> {
    this.tables.clear();
    this.sent.begin();
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

async function observe(replay: Replay, step: OrderedMigration, seen: Seen): Promise<boolean> {
  const { watch } = seen;
  const db = replay.session.lock.client;
  await watch.begin(db);
  const [before, files] = [await unlocked(db), await filesOfTables(db)];
  try {
    await replay.run(step);
  } catch (error) {
    seen.failed = { id: step.id, error: error as PhaseError };
    return false;
  }
  // The functions of a rename's sync are its own, and nobody else's concern.
  const changed = step.rename === undefined ? difference(before, await unlocked(db)) : [];
  const locks = await watch.end(db);
  seen.touches.set(step.id, [...new Set([...locks.keys(), ...changed])].sort());
  seen.locks.set(step.id, locks);
  seen.statements.set(step.id, watch.sent.statements);
  const now = await filesOfTables(db);
  seen.rewritten.set(
    step.id,
    [...files].filter(([name, file]) => now.has(name) && now.get(name) !== file).map(([name]) => name),
  );
  return true;
}

/** By name: the table, and the file that it is in, which is another one once it was written anew. */
async function filesOfTables(db: Queryable): Promise<Map<string, string>> {
  const rows = await all<{ name: string; file: string }>(
    db,
    `SELECT n.nspname || '.' || c.relname AS name, c.oid::text || ' ' || c.relfilenode::text AS file
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT ${holdsLedger('n.oid')}`,
  );
  return new Map(rows.map(({ name, file }) => [name, file]));
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
