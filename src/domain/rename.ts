import type { QualifiedName } from './identifier.ts';
import type { MigrationKind, Phase } from './manifest.ts';

/** The five steps of a rename, in their order. */
export const RENAME_STEPS = ['expand', 'backfill', 'constrain', 'switch', 'contract'] as const;
export type RenameStepName = (typeof RENAME_STEPS)[number];

/** Which phase and kind each step has, as in docs/three-phases.md. */
export const STEP_FACTS: Record<RenameStepName, { phase: Phase; kind: MigrationKind }> = {
  expand: { phase: 1, kind: 'schema' },
  backfill: { phase: 1, kind: 'data' },
  constrain: { phase: 1, kind: 'schema' },
  switch: { phase: 2, kind: 'schema' },
  contract: { phase: 3, kind: 'schema' },
};

/** The step that a scaffolded migration's id names, or null. */
export function renameStepOf(id: string): RenameStepName | null {
  return RENAME_STEPS.find((step) => id.endsWith(`_phase_${STEP_FACTS[step].phase}_${step}`)) ?? null;
}

/** How the default of the column decides who wins on INSERT: a stable default counts as constant. */
export type DefaultClass = 'none' | 'constant' | 'volatile';

/** An index or constraint on the old column and its twin on the new one. */
export interface CarriedObject {
  readonly kind: 'index' | 'unique' | 'check' | 'foreign key' | 'statistics';
  readonly name: string;
  /** The twin's name from phase 1 until phase 3 gives it the original one. */
  readonly twin: string;
}

/** An application trigger that names the old column in its column list or its WHEN. */
interface CarriedTrigger {
  readonly kind: 'trigger';
  readonly name: string;
}

/**
 * A rename as `db/renames/<name>.yml` keeps it: what was planned, and what was found when it was planned. Gates and
 * status read it; the migrations themselves say the same in SQL.
 */
export interface Rename {
  readonly name: string;
  readonly table: QualifiedName;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  /** Whether equality of the type is equality of its bytes: `IS DISTINCT FROM` then says the same as the bytes. */
  readonly byteEqual: boolean;
  readonly default: DefaultClass;
  readonly notNull: boolean;
  readonly carried: readonly (CarriedObject | CarriedTrigger)[];
  /** Names of the sync's functions (same schema as the table) and triggers. */
  readonly sync: RenameSync;
}

export interface RenameSync {
  readonly functions: readonly [phase1: string, phase2: string];
  readonly triggers: readonly [phase1: string, phase2: string];
  /** The trigger that sorts last, where the application's own triggers change the column. */
  readonly last: { readonly functions: readonly [string, string]; readonly triggers: readonly [string, string] } | null;
  /** Sequences in the schema `phase` that count writes to the old column in phase 2, and keep the time of the last. */
  readonly stragglers: { readonly count: string; readonly last: string };
}

/** SQL that is true where the two columns hold different bytes; `row` is a prefix such as `NEW.`. */
export function differs(a: string, b: string, byteEqual: boolean): string {
  return byteEqual ? `${a} IS DISTINCT FROM ${b}` : `pg_catalog.record_image_ne(ROW(${a}), ROW(${b}))`;
}
