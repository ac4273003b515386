import type { MigrationKind } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';

/** A node of PostgreSQL's syntax tree. */
export type Node = Readonly<Record<string, unknown>>;

/** A statement that a migration runs. */
export interface JudgedStatement {
  readonly sql: string;
  /** In the migration's file; null where it does not stand there as it was sent. */
  readonly line: number | null;
  readonly lastLine: number | null;
  /** Such as `AlterTableStmt`, and what it says; null for what PostgreSQL's parser does not take. */
  readonly kind: string | null;
  readonly node: Node;
}

/** A migration that rules judge: its statements are those that it was seen to send, or those of its script. */
export interface JudgedMigration {
  readonly id: string;
  readonly file: string;
  readonly kind: MigrationKind;
  readonly release: Release;
  readonly text: string;
  readonly statements: readonly JudgedStatement[];
  /** Each statement runs in one transaction with the others. */
  readonly isInTransaction: boolean;
  /** Tables that were written anew as a whole, such as `public.users`; empty where it was not run. */
  readonly rewritten: ReadonlySet<string>;
  /** By table, the modes in which it was locked; empty where it was not run. */
  readonly locks: ReadonlyMap<string, ReadonlySet<string>>;
  /** What somebody has to say of it, such as its ticket. */
  readonly settings: { readonly ticket: string | null };
}

/** What is around it. */
export interface JudgeContext {
  /** Whether no release that is out has a table, a view or something else of that name: it was made by a migration that is judged, too. */
  isNew(name: string): boolean;
  /** The same of a column; false where it is not known. */
  isNewColumn(table: string, column: string): boolean;
  /** Whether there was something of that name before the releases that are judged; false where it is not known. */
  wasThere(name: string): boolean;
  /** A column as it was before; undefined where there was none, or it is not known. */
  columnBefore(table: string, column: string): { readonly type: string; readonly notNull: boolean } | undefined;
  /** Columns that a table or a view had before, and has not once all migrations have run; none where that is not known. */
  lostColumns(name: string): readonly string[];
  /** `u` or `p` for a unique or primary key that was there before; undefined for anything else. */
  keyBefore(table: string, constraint: string): string | undefined;
  isPartitioned(table: string): boolean;
  /** Whether a valid constraint tells that a column is never NULL, or it is NOT NULL already. */
  isKnownNotNull(table: string, column: string): boolean;
  /** Whether an index leads to rows by some columns, once all migrations have run. */
  isIndexed(table: string, columns: readonly string[]): boolean;
  /** Keys of an index that has one of some names: one that becomes a key takes the name of that. Undefined where it is not known. */
  columnsOfIndex(table: string, names: readonly string[]): readonly string[] | undefined;
  hasKey(table: string): boolean;
  /** How many bytes a table has in the database; null where that is not known. */
  sizeOf(table: string): number | null;
  /** The schema in which an unqualified name is found. */
  schemaOf(name: string): string;
  /** Where the code of the application names a column of a table, and says so. */
  usagesOf(column: string, table: string): Promise<readonly { readonly file: string; readonly line: number }[]>;
  readonly requires: { readonly ticket: boolean };
}

/** What a rule found. */
export interface Judgement {
  readonly line: number | null;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly remedy: string;
}

/** One rule of `phase check`; docs/checks.md is generated from it. */
export interface Rule {
  /** What a silence names: `blocking_index`. */
  readonly code: string;
  readonly title: string;
  /** Why it is a finding. */
  readonly why: string;
  /** What to do instead. */
  readonly safely: string;
  /** SQL, or TypeScript, that it finds, and the same without a finding. */
  readonly examples: { readonly found: string; readonly silent: string };
  judge(migration: JudgedMigration, context: JudgeContext): Promise<Judgement[]> | Judgement[];
}
