import type { QualifiedName } from './identifier.ts';
import type { DefaultClass } from './rename.ts';

/** What the catalogue knows of one column. Every definition is as PostgreSQL prints it, qualified. */
export interface ColumnFacts {
  readonly name: string;
  readonly number: number;
  /** `format_type` with its modifier. */
  readonly type: string;
  /** `"schema"."name"` when it differs from the type's own. */
  readonly collation: string | null;
  readonly byteEqual: boolean;
  readonly notNull: boolean;
  /** False for a NOT NULL that older rows need not satisfy (NOT VALID, PostgreSQL 18). */
  readonly notNullValidated: boolean;
  /** Name of its NOT NULL constraint; null before PostgreSQL 18. */
  readonly notNullName: string | null;
  readonly default: DefaultFacts | null;
  /** Where the type is a domain with a default of its own, and the column has none. */
  readonly domainDefault: DefaultFacts | null;
  /**
   * Whether its values may be large, so that comparing them has to be avoided: of variable length, and of no domain that
   * forbids NULL, which the new column holds until a row is filled.
   */
  readonly toastable: boolean;
  /** Whether PostgreSQL reads or writes each row when such a column is added: of a domain with constraints, or stored and generated. */
  readonly rewrites: boolean;
  readonly identity: boolean;
  /** Set for a generated column: nobody writes it, so nothing has to be kept in step. */
  readonly generated: { readonly expression: string; readonly stored: boolean } | null;
  /** Sequence that is dropped with the column; an identity's own is not among them. */
  readonly ownedSequence: (QualifiedName & { readonly type: string }) | null;
  /** PLAIN, EXTERNAL, EXTENDED or MAIN when not the type's own. */
  readonly storage: string | null;
  readonly compression: string | null;
  readonly statisticsTarget: number | null;
  readonly options: readonly string[];
  readonly comment: string | null;
  readonly privileges: readonly ColumnPrivilege[];
}

/** What a column gets on INSERT when it is given nothing. */
export interface DefaultFacts {
  readonly expression: string;
  readonly class: DefaultClass;
  /** Whether it gives the same value at all times: ADD COLUMN evaluates another one at once, for all rows. */
  readonly immutable: boolean;
}

export interface ColumnPrivilege {
  readonly privilege: string;
  /** `PUBLIC` or a quoted role. */
  readonly grantee: string;
  readonly grantable: boolean;
}

/** What is known of any object that hangs on a column. */
export interface ObjectFacts {
  readonly name: string;
  /** The table that it is on; null for what has a qualified name. */
  readonly on: QualifiedName | null;
}

/** An index on the column that no constraint owns, with its definition rewritten to the new column. */
export interface IndexFacts extends ObjectFacts {
  /** The table, or one of its partitions for an index that only that one has. */
  readonly on: QualifiedName;
  readonly name: string;
  readonly unique: boolean;
  /** `USING btree (...) ...`: what follows the table's name, naming the new column. */
  readonly definition: string;
  /** The same for the old column: what an undo restores. */
  readonly original: string;
  /** Statistics targets of its expression columns, by their position. */
  readonly statistics: Readonly<Record<string, number>>;
  readonly tablespace: string | null;
  readonly comment: string | null;
  /** Key expressions naming the OLD column, for the guard of contended inserts; empty when not unique. */
  readonly keys: readonly string[];
  /** Whether all of them have hash functions: else they are guarded by their texts. */
  readonly hashable: boolean;
  readonly predicate: string | null;
  readonly nullsNotDistinct: boolean;
}

/** What a unique index keeps unique. */
export type GuardedKey = Pick<IndexFacts, 'name' | 'keys' | 'hashable' | 'predicate' | 'nullsNotDistinct'>;

/** A unique constraint, or the primary key, and the index behind it. */
export interface UniqueFacts extends IndexFacts {
  readonly deferrable: boolean;
  readonly initiallyDeferred: boolean;
  readonly indexComment: string | null;
  /** `UNIQUE (...)` or `PRIMARY KEY (...)` naming the new column, and the old one. */
  readonly constraintDefinition: string;
  readonly originalConstraint: string;
}

/** A check, foreign key or exclusion constraint on the column, rewritten to the new one. */
export interface ConstraintFacts extends ObjectFacts {
  /** The table that has it: for a foreign key that references the column usually another one. */
  readonly on: QualifiedName;
  readonly name: string;
  /** `CHECK (...)`, `FOREIGN KEY ...` or `EXCLUDE ...`, without NOT VALID and NOT ENFORCED. */
  readonly definition: string;
  /** The same for the old column: what an undo restores. */
  readonly original: string;
  readonly validated: boolean;
  readonly enforced: boolean;
  readonly comment: string | null;
}

/** Extended statistics over the column. */
export interface StatisticsFacts extends ObjectFacts {
  readonly on: QualifiedName;
  readonly schema: string;
  readonly name: string;
  /** ` (kinds) ON columns`: what stands between the name and FROM, naming the new column. */
  readonly definition: string;
  /** The same for the old column: what an undo restores. */
  readonly original: string;
  readonly target: number | null;
  readonly comment: string | null;
}

export interface TriggerFacts extends ObjectFacts {
  readonly on: QualifiedName;
  readonly name: string;
  readonly before: boolean;
  readonly row: boolean;
  readonly insertOrUpdate: boolean;
  /** Whether its function's text mentions the old column. */
  readonly mentionsColumn: boolean;
  /** Whether its function may change the column without naming it: it gives NEW as a whole another value. */
  readonly assignsRow: boolean;
  readonly function: string;
  /** Whether it gives the column's name to its function as an argument. */
  readonly givesName: boolean;
  /**
   * Set when its column list, WHEN or an argument names the column: its definitions in phase 1, in phase 2, and after the rename.
   */
  readonly rebound: {
    readonly original: string;
    readonly during: string;
    readonly switched: string;
    readonly after: string;
  } | null;
}

/** An object elsewhere that is bound to the column: a view, policy, rule, function with a parsed body, publication. */
export interface DependentFacts extends ObjectFacts {
  /** Whether it also needs the primary key (GROUP BY, ON CONFLICT ON CONSTRAINT), which phase 3 swaps. */
  readonly needsPrimaryKey: boolean;
  /** Whether it groups by the key, so that it cannot name another column while the key is on the old one. */
  readonly waitsForKey: boolean;
  /** Whether it holds INSERT ... ON CONFLICT, which depends on every column of the table, whether it names it or not. */
  readonly upserts: boolean;
  /** Whether PostgreSQL fills, computes or checks it anew under an exclusive lock. */
  readonly rewrites: boolean;
  /** Size of a materialized view, or of the table whose key is checked. */
  readonly bytes: number;
}

/** A function whose body is text that names the column: nothing rewrites it. */
export interface MentionFacts {
  readonly schema: string;
  readonly name: string;
  /** What its versions in db/functions are called: its name, and where others have that too its arguments. */
  readonly versionName: string;
  /** Whether it uses the column for certain, by the tree of its body, or only as far as its text can tell. */
  readonly use: 'certain' | 'possible';
  /** With its arguments, as in SQL. */
  readonly signature: string;
  /** With the types of its arguments alone, as PostgreSQL finds it. */
  readonly procedure: string;
  /** MD5 of its body. */
  readonly md5: string;
  /** `CREATE OR REPLACE ...` as PostgreSQL prints it. */
  readonly definition: string;
  readonly lines: readonly number[];
  /** Triggers of the table that run it. */
  readonly triggers: readonly string[];
  /** Triggers of other tables that run it, each with its table: `"t" on public.orders`. */
  readonly triggersElsewhere: readonly string[];
}

/** Something that hangs on the column and that cannot be carried over online. */
export interface UnsupportedObject {
  readonly object: string;
  readonly reason: string;
  readonly instead: string;
}

/** What a column of the new name goes by on a copy of the table's structure: definitions that hold it name both columns. */
export const SCRATCH_ASIDE = 'triphase aside';
