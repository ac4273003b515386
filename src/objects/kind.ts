import type { GuardedKey, ObjectFacts, UnsupportedObject } from '../domain/facts.ts';
import type { Rename, TwinnedObject } from '../domain/rename.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from './bound.ts';
import type { Code } from './code.ts';
import type { HangingObject, HangingSources } from './hanging.ts';
import type { Presence } from './presence.ts';
import type { Renaming } from './renaming.ts';
import type { Scratching, TableSources } from './sources.ts';
import type { TableFacts } from './table-facts.ts';

/**
 * One kind of object that hangs on a column, from the catalogue to the last phase of a rename. A kind reads and computes: statements and calls are what it gives,
 * and whoever asks runs them.
 *
 * `name` is what `db/renames` calls it, `F` what is known of one such object.
 */
interface Kind<N extends string, F extends ObjectFacts> {
  readonly name: N;
  /** What messages call one. */
  readonly noun: string;
  /** What the wizard heads those with that it has found; kinds with one heading stand together. */
  readonly heading: string;
  readonly place: Place;
  /** Objects of one family share their names: an index, and the index of a constraint. */
  readonly family: string;

  /** Those on the column, with their definitions for both columns, and why some of them cannot be carried over. */
  read(sources: TableSources): Promise<Found<F>>;
  /** Puts what is to be rewritten on a copy of a table's structure, before the column is renamed there. */
  toScratch?(scratching: Scratching): Promise<void>;
  /** SQL for the tables among `$1` (oids) that have one which does not come from their parent. */
  readonly ownTables?: string;
  /** Those that hang on a column now; nothing is created or locked for it. */
  hanging(sources: HangingSources): Promise<readonly HangingObject[]>;

  /** Why one cannot be carried over on this server. */
  refuse?(object: F, table: TableFacts): UnsupportedObject | null;
  /** What PostgreSQL does with one under a lock for as long as it takes to read `bytes`. */
  locking?(object: F, table: TableFacts): Locking | null;
  /** Its definition as it will be, which may name both columns; absent where that is never so. */
  finalText?(object: F): string | undefined;
  /** What the steps of a rename do with one. */
  readonly steps: Steps<F>;
  /** Tables besides the one of the rename that PostgreSQL locks in a phase on account of one. */
  lockedTables?(db: Queryable, root: string, object: BoundObjectName, phase: 2 | 3): Promise<readonly string[]>;
}

/** What has a twin on the new column from phase 1 until phase 3 gives it the original's name. */
export interface TwinnedKind<N extends string = string, F extends ObjectFacts = ObjectFacts> extends Kind<N, F> {
  readonly carried: 'twin';
  /** What `on` is in `db/renames`, where that is not the table of the rename: the table of one, quoted, or the schema. */
  placeOf(object: F): string;
  /** Set where the original is not valid for every row either. */
  stateOf?(object: F): TwinnedObject['state'];
  /** Keys of a unique index that are checked at once: the sync guards contended inserts of them. */
  guard?(object: F): GuardedKey | null;

  /** What is missing of a twin that phase 1 has built, in words. @param on the table, or the schema, that it is on. */
  missing(presence: Presence, object: TwinnedObject, on: string): Promise<readonly string[]>;
  /** The table of one, where `on` is none. */
  tableOf?(db: Queryable, object: TwinnedObject): Promise<string | undefined>;

  /** Whether there is one of a name on a table (or in a schema). */
  isThere(db: Queryable, on: string, name: string): Promise<boolean>;
  /** Statements that give a twin the original's names, its roles and its comments; read before the original is dropped. */
  restoring(db: Queryable, on: string, object: TwinnedObject): Promise<readonly string[]>;
  /** Undoes `restoring`, on what has taken the original's names. */
  settingAside(db: Queryable, on: string, object: TwinnedObject): Promise<readonly string[]>;
  /** Statements that drop a twin. */
  dropping(db: Queryable, on: string, twin: string): Promise<readonly string[]>;
  /** Statements that make an original what its twin is to the table. */
  appointing?(db: Queryable, on: string, object: TwinnedObject): Promise<readonly string[]>;
  /** When an original goes, for which its twin gets the names. */
  readonly goes: 'with the column' | 'in phase 2' | 'before the column' | 'with the primary key';

  /** Whether a twin, whose definition is rewritten for the old column, is what its original is now. */
  isSame(original: F, twin: F): boolean;
  /** Kind by which a twin is read, where it is none of this one; null where it cannot be compared. */
  twinKind?(table: TableFacts): string | null;
  /**
   * When the twin of an original that was made anew as something else is made anew, too: `at once`: after the migration that did it, in the place of the old one;
   * `at gates`: dropped and built before the next phase.
   */
  readonly renewed: 'at once' | 'at gates';
  /** Phases in which a twin whose original is gone restricts writers, and so is dropped; and the letter of such a constraint, or index, in the catalogue. */
  readonly lonely?: { readonly phases: readonly (1 | 2)[]; readonly letter: 'c' | 'u' | 'f' | 'i' };
  /** Why one that came after phase 1 cannot be added by a refresh. */
  refuseLate?(object: F): UnsupportedObject;
}

/** What is bound to the new column in its place, and keeps its name. */
export interface BoundKind<N extends string = string, F extends ObjectFacts = ObjectFacts> extends Kind<N, F> {
  readonly carried: 'bound';
  /** The phase that frees it of the old column. */
  readonly freed: 'in phase 2' | 'in phase 3';
  /** Whether one, that is among those read, has to be bound anew. */
  isBound?(object: F): boolean;
  /** Whether a rename brings one to forms of its own, so that two renames of it cannot be under way at the same time. */
  readonly exclusive?: boolean;
  /** Statements that make one again from its own text, bound to what has the names at that moment; null where it is gone. */
  rebinding?(db: Queryable, object: BoundObjectName): Promise<Rebinding | null>;
  /** Whether it has columns with types of their own, so that one of another type has to be dropped and made again. */
  readonly isTyped?: boolean;
  /** Whether one that was made anew on the old column after phase 2 is bound to the new one again before phase 3. */
  readonly followsAnew?: boolean;
  /** A statement that takes the lock of one before those of its tables, as its readers do. */
  lockFirst?(db: Queryable, object: BoundObjectName): Promise<string | null>;
  /** Whether it stays bound to the column that the primary key leaves, and follows it. */
  readonly waits?: boolean;
  /** Names of kinds by which one hangs on a column. */
  readonly hangsAs?: readonly string[];
  /** What one is to a refresh, which comes when nobody writes the old column any more: of another kind. */
  readonly late?: { readonly as: string; factsOf(object: F): ObjectFacts };
}

/** What the column has itself, and `db/renames` does not list: NOT NULL, its default. */
export interface AttributeKind<N extends string = string> extends Kind<N, ObjectFacts> {
  readonly carried: 'with the column';
  /** What is missing of it on the new column, in words. */
  missing?(presence: Presence, rename: Rename): Promise<readonly string[]>;
}

/**
 * Where the name of an object counts: `table`: on the table of the rename, a partition or a child; `elsewhere`: on any table; `schema`: in a schema;
 * `database`: it is qualified already.
 */
export type Place = 'table' | 'elsewhere' | 'schema' | 'database';

/** What a reader has found of a kind. */
interface Found<F> {
  readonly objects: readonly F[];
  readonly refused: readonly UnsupportedObject[];
}

/** Something that keeps a table locked for as long as it is read or written. */
interface Locking {
  /** In words. */
  readonly object: string;
  readonly bytes: number;
}

/** What a step does with one object, and how that is undone. */
export interface Way<F> {
  up?(renaming: Renaming, object: F): readonly Code[];
  /** In the transaction that undoes phase 3, before the old column is there again. */
  aside?(renaming: Renaming, object: F): readonly Code[];
  /** In the transaction that undoes the step. */
  down?(renaming: Renaming, object: F): readonly Code[];
  /** What undoing builds, outside of transactions. */
  restore?(renaming: Renaming, object: F): readonly Code[];
}

/** By step; `refresh` stands for what all steps would have done by phase 3. */
export interface Steps<F> {
  readonly expand?: Way<F>;
  readonly constrain?: Way<F>;
  readonly switch?: Way<F>;
  readonly contract?: Way<F>;
  readonly refresh?: Way<F>;
}

// biome-ignore lint/suspicious/noExplicitAny: each kind knows its own facts, and whoever asks all of them hands those back to it
export type AnyKind = TwinnedKind<string, any> | BoundKind<string, any> | AttributeKind;
