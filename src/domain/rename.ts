import { type QualifiedName, quoteQualified } from './identifier.ts';
import type { MigrationKind, Phase } from './manifest.ts';

/** The five steps of a rename, in their order. */
export const RENAME_STEPS = ['expand', 'backfill', 'constrain', 'switch', 'contract'] as const;
export type RenameStepName = (typeof RENAME_STEPS)[number];

/** What a migration of a rename is: one of its five steps, or what `--refresh` has added to a phase. */
export const STEP_NAMES = [...RENAME_STEPS, 'refresh'] as const;
export type StepName = (typeof STEP_NAMES)[number];

/** Which phase and kind each step has, as in docs/three-phases.md. */
export const STEP_FACTS: Record<RenameStepName, { phase: Phase; kind: MigrationKind }> = {
  expand: { phase: 1, kind: 'schema' },
  backfill: { phase: 1, kind: 'data' },
  constrain: { phase: 1, kind: 'schema' },
  switch: { phase: 2, kind: 'schema' },
  contract: { phase: 3, kind: 'schema' },
};

/** What a change does with a column: gives it another name, or another type under the same name; makes several of it, or one of several; moves it to another table. */
export type ChangeKind = 'rename' | 'retype' | 'split' | 'merge' | 'move';

/** What a refusal is about: a change, or a column that goes. */
export type RefusedKind = ChangeKind | 'drop';

/** SQL that computes the value of one column from that of the other, which stands in it as `$1`. */
export interface Conversion {
  readonly sql: string;
  /** Whether there are values that it may have no result for. */
  readonly mayFail: boolean;
}

/**
 * What makes a change one of type. The new column goes by a name of its own, `to`, until the second phase exchanges the names of the two; from then on the old
 * one goes by it, and is there to go back to alone.
 */
export interface Retype {
  /** Of the new column, as PostgreSQL prints it. */
  readonly type: string;
  /** Whether equality of that type is equality of its bytes. */
  readonly byteEqual: boolean;
  readonly forward: Conversion;
  readonly back: Conversion;
  /** The function of the table's schema by which `forward` goes where values that cannot be converted get another one; not qualified. */
  readonly onError?: string | undefined;
}

/** How the default of the column decides who wins on INSERT: a stable default counts as constant. */
export type DefaultClass = 'none' | 'constant' | 'volatile';

/** An object on the old column and its twin on the new one. */
export interface TwinnedObject {
  /** The name of its kind (objects/registry.ts). */
  readonly kind: string;
  readonly name: string;
  readonly twin: string;
  /** The table that it is on, quoted; absent for the table of the rename. For statistics always the schema that they are in. */
  readonly on?: string | undefined;
  /** Set where the original is not valid for every row either. */
  readonly state?: 'not valid' | 'not enforced' | undefined;
}

/** An object that names the old column and will name the new one. */
interface BoundObject {
  /** The name of its kind (objects/registry.ts). */
  readonly kind: string;
  /** Views and functions qualified and quoted; others by their plain name. */
  readonly name: string;
  /** The table that it is on, quoted; absent for the table of the rename, and for views and functions. */
  readonly on?: string | undefined;
}

export type CarriedObject = TwinnedObject | BoundObject;

export function isTwinned(object: CarriedObject): object is TwinnedObject {
  return 'twin' in object;
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
  /** The default, where it is a constant one. */
  readonly standing: string | null;
  readonly notNull: boolean;
  readonly carried: readonly CarriedObject[];
  /** What `--refresh` has added since: carried over by a migration of phase 3 of its own. */
  readonly refreshed: readonly CarriedObject[];
  /** The application's functions that name the column, and the version that phase 2 brings each to. */
  readonly versions: readonly RenamedFunction[];
  /** Ids of the refreshes that copy attributes of the old column to the new one. */
  readonly copying: readonly string[];
  /** Names of the sync's functions (same schema as the table) and triggers. */
  readonly sync: RenameSync;
  /** Null where the type stays. */
  readonly retype: Retype | null;
  /** The change that it is a part of, with the same steps: a column that references a key. Null for a change of its own. */
  readonly partOf: string | null;
}

/** The name by which manifests, plans and the ledger know the steps of a change. */
export function wholeOf({ name, partOf }: Pick<Rename, 'name' | 'partOf'>): string {
  return partOf ?? name;
}

/** The name of a part, in the ledger and where something is said of it alone. */
export function partName(whole: string, { schema, name }: QualifiedName, column: string): string {
  return `${whole}/${schema}.${name}.${column}`;
}

/** What a step works on: the change that it is of, then its parts. @param name as its entry has it. */
export function partsOf<C extends Pick<Rename, 'name' | 'partOf'>>(
  changes: Iterable<C>,
  name: string | undefined,
): C[] {
  return [...changes].filter((change) => wholeOf(change) === name);
}

/** Columns of one table that are renamed together: one sync keeps them all in step. Of any other change, and of a generated column, it alone. */
export function syncedWith(changes: Iterable<Rename>, change: Rename): Rename[] {
  const [own] = change.sync.functions;
  if (own === undefined) return [change];
  return partsOf(changes, wholeOf(change)).filter(
    ({ table, sync }) => sync.functions[0] === own && quoteQualified(table) === quoteQualified(change.table),
  );
}

export function kindOfChange({ retype }: Pick<Rename, 'retype'>): 'rename' | 'retype' {
  return retype === null ? 'rename' : 'retype';
}

/**
 * A change as its columns go by in a phase: the second one of a retype has exchanged their names, and nothing hangs on the old one any more.
 * @param phase the last one that has run.
 */
export function inPhase(change: Rename, phase: 1 | 2): Rename {
  if (change.retype === null || phase === 1) return change;
  return { ...change, from: change.to, to: change.from, notNull: false, carried: [], refreshed: [], versions: [] };
}

/** SQL of a conversion for a value. */
export function converted({ sql }: Conversion, value: string): string {
  return sql.replaceAll(/\$1(?!\d)/g, () => value);
}

/** SQL of a conversion for a value, to compare with: what an assignment would refuse, such as a text that is too long, is cut off here. */
function ofType(conversion: Conversion, value: string, type: string): string {
  return `CAST((${converted(conversion, value)}) AS ${type})`;
}

/** SQL that is true where the new column does not hold what the old one says. `old` and `fresh` are SQL. */
export function outOfStep(
  { byteEqual, retype }: Pick<Rename, 'byteEqual' | 'retype'>,
  old: string,
  fresh: string,
): string {
  return retype === null
    ? differs(old, fresh, byteEqual)
    : differs(fresh, ofType(retype.forward, old, retype.type), retype.byteEqual);
}

/** SQL that is true where a column that follows another one has nothing yet. Both are SQL. */
export function isUnfilled(follower: string, source: string): string {
  return `${follower} IS NOT DISTINCT FROM NULL AND ${source} IS DISTINCT FROM NULL`;
}

/** A version of one of the application's functions: a copy that somebody has to review before its release is cut. */
export interface RenamedFunction {
  /** With its schema and argument types, as in SQL. */
  readonly signature: string;
  /** `db/functions/FILE_vNN.sql`. */
  readonly file: string;
  readonly version: number;
  /** 2, or 3 where a refresh has added it. */
  readonly phase: 2 | 3;
  /** Whether the version before it was scaffolded with it, since there was none. */
  readonly withBase: boolean;
}

/** Sequences that count writes to the old column in phase 2, and keep the time of the last. */
export type StragglerSequences = {
  readonly count: string;
  readonly last: string;
  /** That of the ledger when the rename was scaffolded, since the sync's functions name it; left out: `phase`. */
  readonly schema?: string | undefined;
};

/** What keeps the two columns in step; functions and triggers are empty for a generated column, which nobody writes. */
export interface RenameSync {
  readonly functions: readonly [phase1: string, phase2: string] | readonly [];
  readonly triggers: readonly [phase1: string, phase2: string] | readonly [];
  /** Triggers of the same functions for updates that write neither column; null where the others fire for these, too, and empty in a phase that needs none. */
  readonly moved: readonly [phase1: string, phase2: string] | null;
  /** The trigger that sorts last, where the application's own triggers change the column. */
  readonly last: { readonly functions: readonly [string, string]; readonly triggers: readonly [string, string] } | null;
  readonly stragglers: StragglerSequences;
}

type WithOnError = Pick<Retype, 'onError'>;

/** Names of functions by which values go that cannot be converted: of a change of type, or of new columns of a split or a merge. */
export function onErrorOf(change: object): string[] {
  const { retype, fresh = [] } = change as { readonly retype?: Retype | null; readonly fresh?: readonly WithOnError[] };
  return [retype, ...fresh].flatMap((one) => (one?.onError === undefined ? [] : [one.onError]));
}

/** Triggers of the application that a rename brings to forms of its own, each with its table, quoted. */
export function reboundTriggers({ table, carried }: Rename): { readonly name: string; readonly on: string }[] {
  return carried
    .filter(({ kind }) => kind === 'trigger')
    .map(({ name, on }) => ({ name, on: on ?? quoteQualified(table) }));
}

/** Whether a rename is of a generated column. */
export function isOfGenerated({ sync }: Pick<Rename, 'sync'>): boolean {
  return sync.triggers.length === 0;
}

/** Names of all functions that keep the columns in step in a phase. */
export function syncFunctions({ functions, last }: RenameSync, phase: 1 | 2): string[] {
  return [functions, last?.functions].flatMap((names) => names?.[phase - 1] || []);
}

/** Names of all triggers that keep the columns in step in a phase. */
export function syncTriggers({ triggers, moved, last }: RenameSync, phase: 1 | 2): string[] {
  return [triggers, moved, last?.triggers].flatMap((names) => names?.[phase - 1] || []);
}

/** SQL that is true where the two columns hold different bytes. */
export function differs(a: string, b: string, byteEqual: boolean): string {
  return byteEqual ? `${a} IS DISTINCT FROM ${b}` : `pg_catalog.record_image_ne(ROW(${a}), ROW(${b}))`;
}

/** SQL that is true where one of several conditions is. */
export function eitherOf(conditions: readonly string[]): string {
  const [only] = conditions;
  return only !== undefined && conditions.length === 1 ? only : conditions.map((one) => `(${one})`).join(' OR ');
}

/** Bytes from which a stored value is not compared; what is compressed to less was little before it. */
const LARGE = 512;

/**
 * The same for rows that a statement only moves, at a cost that does not grow with the values: a large one is only asked for a counterpart that is
 * NULL, as in every row that is not filled yet. It misses large values that differ: neither the backfill nor a release leaves such a row. Short, since
 * PostgreSQL reads the condition of a trigger anew for each statement (docs/adr/0016).
 */
export function differsAtAnySize(a: string, b: string, byteEqual: boolean): string {
  const isNull = byteEqual ? `${b} IS NULL` : `${b} IS NOT DISTINCT FROM NULL`;
  return `CASE WHEN pg_catalog.pg_column_size(${a}) >= ${LARGE} THEN ${isNull} ELSE ${differs(a, b, byteEqual)} END`;
}
