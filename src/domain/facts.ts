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
  readonly hashable: boolean;
  readonly notNull: boolean;
  readonly default: { readonly expression: string; readonly class: DefaultClass } | null;
  /** Sequence that is dropped with the column. */
  readonly ownedSequence: QualifiedName | null;
  /** PLAIN, EXTERNAL, EXTENDED or MAIN when not the type's own. */
  readonly storage: string | null;
  readonly compression: string | null;
  readonly statisticsTarget: number | null;
  readonly options: readonly string[];
  readonly comment: string | null;
  readonly privileges: readonly ColumnPrivilege[];
}

export interface ColumnPrivilege {
  readonly privilege: string;
  /** `PUBLIC` or a quoted role. */
  readonly grantee: string;
  readonly grantable: boolean;
}

/** An index on the column that no constraint owns, with its definition rewritten to the new column. */
export interface IndexFacts {
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
  readonly predicate: string | null;
  readonly nullsNotDistinct: boolean;
  /** Whether CLUSTER without a name uses it. */
  readonly clustered: boolean;
  readonly replicaIdentity: boolean;
}

export interface UniqueFacts extends IndexFacts {
  readonly deferrable: boolean;
  readonly initiallyDeferred: boolean;
  readonly indexComment: string | null;
}

/** A check or foreign key on the column, rewritten to the new one. */
export interface ConstraintFacts {
  readonly name: string;
  /** `CHECK (...)` or `FOREIGN KEY ...`, without NOT VALID. */
  readonly definition: string;
  /** The same for the old column: what an undo restores. */
  readonly original: string;
  readonly validated: boolean;
  readonly comment: string | null;
}

/** Extended statistics over the column, in the schema of the table. */
export interface StatisticsFacts {
  readonly name: string;
  /** ` (kinds) ON columns`: what stands between the name and FROM, naming the new column. */
  readonly definition: string;
  /** The same for the old column: what an undo restores. */
  readonly original: string;
  readonly target: number | null;
  readonly comment: string | null;
}

export interface TriggerFacts {
  readonly name: string;
  readonly before: boolean;
  readonly row: boolean;
  readonly insertOrUpdate: boolean;
  /** Whether its function's text mentions the old column. */
  readonly mentionsColumn: boolean;
  readonly function: string;
  /** Set when its column list or WHEN names the column: definitions for the time of the rename, and after it. */
  readonly rebound: { readonly original: string; readonly during: string; readonly after: string } | null;
  readonly enabled: 'O' | 'D' | 'R' | 'A';
  readonly comment: string | null;
}

/** Something that hangs on the column and that this version cannot carry over. */
export interface UnsupportedObject {
  readonly object: string;
  readonly reason: string;
  readonly instead: string;
}

/** All that a rename has to know of a table. */
export interface TableFacts {
  readonly table: QualifiedName;
  readonly serverVersion: number;
  readonly pages: number;
  readonly rows: number;
  readonly columns: readonly string[];
  readonly column: ColumnFacts;
  readonly indexes: readonly IndexFacts[];
  readonly uniques: readonly UniqueFacts[];
  readonly checks: readonly ConstraintFacts[];
  readonly foreignKeys: readonly ConstraintFacts[];
  readonly statistics: readonly StatisticsFacts[];
  readonly triggers: readonly TriggerFacts[];
  /** Names in use by relations of the schema, by constraints of the table, by functions of the schema. */
  readonly takenNames: readonly string[];
  readonly published: readonly string[];
  readonly unsupported: readonly UnsupportedObject[];
}
