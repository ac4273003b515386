import type { Release } from './release.ts';
import type { ChangeKind } from './rename.ts';

/** How a rename, or another change, stands in a database. */
export interface RenameStatus {
  readonly name: string;
  readonly table: string;
  /** Of a retype the column has one name, and `to` is what the other one goes by. */
  readonly from: string;
  readonly to: string;
  /** The phase that the database is in; 0 before the first. */
  readonly phase: 0 | 1 | 2 | 3;
  readonly mismatches: number | null;
  readonly mismatchesCountedAt: string | null;
  readonly stragglers: number;
  readonly lastStragglerAt: string | null;
  /** What was altered by hand of its columns since the last run, in words. */
  readonly altered: readonly string[];
}

export interface ChangeStatus extends RenameStatus {
  readonly kind: ChangeKind;
  /** Both types, where they differ. */
  readonly types: readonly [string, string] | null;
}

/** A key whose numbers end with its type. */
export interface KeyRunningOut {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  /** How much of them is used: 0 to 1. */
  readonly used: number;
  /** At the rate at which rows have come; null where that is not known. */
  readonly daysLeft: number | null;
  /** What gives it a type that does not end. */
  readonly command: string;
}

/** How a database stands to the files. */
export interface Status {
  /** The release migrated last. */
  readonly release: Release | null;
  readonly confirmed: Release | null;
  readonly applied: readonly { id: string; kind: string; release: Release; appliedAt: string; durationMs: number }[];
  readonly started: readonly string[];
  readonly pending: readonly string[];
  readonly held: readonly string[];
  readonly renames: readonly RenameStatus[];
  /** Changes of all kinds, renames among them. */
  readonly changes: readonly ChangeStatus[];
  /** Keys that run out, the next one first. */
  readonly runningOut: readonly KeyRunningOut[];
}
