import { PhaseError } from '../../domain/errors/phase-error.ts';
import { deriveName, identifierBytes, quoteIdent, quoteQualified, shortHash, slug } from '../../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../../domain/ledger-schema.ts';
import type { CarriedObject, RenameSync } from '../../domain/rename.ts';
import { twinName as derivedTwin } from '../../domain/twin-name.ts';
import type { AnyKind } from '../../objects/kind.ts';
import { byKind } from '../../objects/registry.ts';
import type { TableFacts } from '../../objects/table-facts.ts';

/** Longest name of a rename: its files' names, with timestamp and suffix, stay below what file systems take. */
const LONGEST_RENAME = 120;

/** `users_email_to_email_address`; what is cut off keeps a hash. */
export function changeName(table: string, old: readonly string[], fresh: readonly string[]): string {
  const name = `${slug(table)}_${old.map(slug).join('_')}_to_${fresh.map(slug).join('_')}`;
  return identifierBytes(name) <= LONGEST_RENAME ? name : `${name.slice(0, LONGEST_RENAME - 9)}_${shortHash(name)}`;
}

/** The name of an object's twin on the new column until phase 3: never one that is taken. */
function twinName(name: string, rename: string, taken: ReadonlySet<string>): string {
  const plain = derivedTwin(name);
  return taken.has(plain) ? derivedTwin(`${name}_${shortHash(rename)}`) : plain;
}

/** Everything that gets a twin on the new column, and the twin's name; then everything that is bound to it in its own place. */
export function carriedOf(facts: TableFacts, rename: string, kinds?: readonly AnyKind[]): CarriedObject[] {
  const taken = new Set(facts.takenNames);
  return byKind(facts.objects, kinds).flatMap(({ kind, objects }) =>
    objects.flatMap((object): CarriedObject[] => {
      const { name } = object;
      if (kind.carried === 'twin') {
        const state = kind.stateOf?.(object);
        const listed = { kind: kind.name, name, twin: twinName(name, rename, taken) };
        return [{ ...listed, ...away(facts, kind.placeOf(object)), ...(state === undefined ? {} : { state }) }];
      }
      if (kind.carried === 'with the column' || kind.isBound?.(object) === false) return [];
      return [{ kind: kind.name, name, ...(object.on === null ? {} : away(facts, quoteQualified(object.on))) }];
    }),
  );
}

/** Where an object is, where that is not the table of the rename. */
function away({ table }: TableFacts, on: string): { on?: string } {
  return on === quoteQualified(table) ? {} : { on };
}

/** Names of the sync's functions and triggers. @param columns what was found of each; @param taken names of functions in the schema and in db/functions. */
export function syncNames(
  columns: readonly [TableFacts, ...TableFacts[]],
  rename: string,
  { taken, ledgerSchema }: { readonly taken: ReadonlySet<string>; readonly ledgerSchema: string },
): RenameSync {
  const [own] = columns;
  const stragglers = stragglersOf(rename, ledgerSchema);
  if (own.column.generated !== null) return { functions: [], triggers: [], moved: null, last: null, stragglers };
  const stem = syncStem(own, taken);
  const first = triggersThat(own, stem, FIRST_PREFIXES, (name, other) => compareBytes(name, other) < 0);
  const isChanged = columns.some(isChangedByTriggers);
  const isSeparate = isChanged || columns.some(({ column }) => column.toastable);
  return {
    functions: byPhase(stem),
    triggers: first,
    moved: isSeparate ? [beforeFirst(first[0]), beforeFirst(first[1])] : null,
    last: isChanged ? lastOf(own, stem) : null,
    stragglers,
  };
}

/**
 * Names of a retype's functions and triggers: these sort after the application's own, and take what they have made of the row. Where the new value costs something,
 * or cannot be had of every value, a trigger of its own sees to rows that a statement only moves.
 */
export function retypeSyncNames(
  facts: TableFacts,
  name: string,
  {
    taken,
    ledgerSchema,
    isCheap,
  }: { readonly taken: ReadonlySet<string>; readonly ledgerSchema: string; readonly isCheap: boolean },
): RenameSync {
  const stem = syncStem(facts, taken);
  const triggers = triggersThat(facts, stem, LAST_PREFIXES, (one, other) => compareBytes(one, other) > 0);
  const isListed = !isCheap && !isChangedByTriggers(facts);
  return {
    functions: byPhase(stem),
    triggers,
    moved: isListed ? [deriveName(triggers[0], '_moved'), ''] : null,
    last: null,
    stragglers: stragglersOf(name, ledgerSchema),
  };
}

/**
 * Names of a mapping's functions and triggers. Where the application's own triggers may change a column there is a last one behind them; else one sees to rows that a
 * statement only moves.
 * @param facts of the old columns, one each.
 */
export function mappingSyncNames(
  facts: readonly [TableFacts, ...TableFacts[]],
  name: string,
  { taken, ledgerSchema }: { readonly taken: ReadonlySet<string>; readonly ledgerSchema: string },
): RenameSync {
  const [own] = facts;
  const stem = syncStem(own, taken);
  const first = triggersThat(own, stem, FIRST_PREFIXES, (one, other) => compareBytes(one, other) < 0);
  const isChanged = facts.some(isChangedByTriggers);
  return {
    functions: byPhase(stem),
    triggers: first,
    moved: isChanged ? null : [beforeFirst(first[0]), beforeFirst(first[1])],
    last: isChanged ? lastOf(own, stem) : null,
    stragglers: stragglersOf(name, ledgerSchema),
  };
}

function lastOf(facts: TableFacts, stem: string): NonNullable<RenameSync['last']> {
  return {
    functions: byPhase(`${stem}_last`),
    triggers: triggersThat(facts, stem, LAST_PREFIXES, (one, other) => compareBytes(one, other) > 0),
  };
}

interface MoveNames {
  readonly name: string;
  readonly to: string;
  readonly taken: ReadonlySet<string>;
  readonly ledgerSchema: string;
  /** Whether what has nowhere to go is refused at the end of its transaction. */
  readonly checks: boolean;
}

/**
 * Names of a move's functions and triggers, on both tables. The triggers that fire before a row is written sort after the application's own, and take what these have made of
 * the row.
 */
export function moveSyncNames(
  facts: TableFacts,
  targetFacts: TableFacts,
  { name, to, taken, ledgerSchema, checks }: MoveNames,
): { readonly sync: RenameSync; readonly targetSync: RenameSync } {
  const stem = syncStem(facts, taken);
  const target = { ...targetFacts, column: { ...targetFacts.column, name: to } };
  const targetStem = syncStem(target, new Set([...taken, ...byPhase(stem)]));
  const stragglers = stragglersOf(name, ledgerSchema);
  const last = checks ? { functions: byPhase(`${stem}_missing`), triggers: byPhase(`zz_${stem}_missing`) } : null;
  return {
    sync: { ...besides(facts, stem), last, stragglers },
    targetSync: { ...besides(target, targetStem), last: null, stragglers },
  };
}

/** One function for a table, with a trigger after rows are written and one before. */
function besides(facts: TableFacts, stem: string): Pick<RenameSync, 'functions' | 'triggers' | 'moved'> {
  const moved = triggersThat(facts, `${stem}_taken`, LAST_PREFIXES, (one, other) => compareBytes(one, other) > 0);
  return { functions: byPhase(stem), triggers: byPhase(`zz_${stem}`), moved };
}

/** Whether triggers of the application may give the column another value, though the statement does not name it. */
function isChangedByTriggers({ objects }: TableFacts): boolean {
  return objects.trigger.some(
    ({ mentionsColumn, assignsRow, before, row }) => (mentionsColumn || assignsRow) && before && row,
  );
}

function stragglersOf(name: string, ledgerSchema: string): RenameSync['stragglers'] {
  return {
    count: deriveName(`stragglers_${name}`, ''),
    last: deriveName(`straggler_last_${name}`, ''),
    ...(ledgerSchema === DEFAULT_LEDGER_SCHEMA ? {} : { schema: ledgerSchema }),
  };
}

function byPhase(stem: string): [string, string] {
  return [deriveName(stem, '_phase_1'), deriveName(stem, '_phase_2')];
}

function syncStem({ table, column }: TableFacts, taken: ReadonlySet<string>): string {
  const plain = `sync_${slug(table.name)}_${slug(column.name)}`;
  const isTaken = byPhase(plain).some((name) => taken.has(name));
  return isTaken ? `${plain}_${shortHash(`${quoteQualified(table)}.${quoteIdent(column.name)}`)}` : plain;
}

/** What the names of the sync's triggers may begin with, so that they sort before or after those of the application. */
const FIRST_PREFIXES = ['00_', '!00_', ' 00_'];
const LAST_PREFIXES = ['zz_', '~zz_', '\u{10ffff}zz_'];

/** BEFORE row triggers fire in the order of their names' bytes: two names, one a phase, that fit to all of the application's. */
function triggersThat(
  facts: TableFacts,
  stem: string,
  prefixes: readonly string[],
  fits: (name: string, other: string) => boolean,
): [string, string] {
  const others = facts.objects.trigger.filter(({ before, row }) => before && row).map(({ name }) => name);
  const pairs = prefixes.map((prefix) => byPhase(prefix + stem));
  const pair = pairs.find((names) => names.every((name) => others.every((other) => fits(name, other))));
  if (pair !== undefined) return pair;
  throw new PhaseError('PH2001', {
    table: quoteQualified(facts.table),
    column: facts.column.name,
    objects: others.map((name) => ({
      object: `trigger ${quoteIdent(name)}`,
      reason: 'no trigger name sorts before (or after) it, and the sync has to',
      instead: 'Rename that trigger.',
    })),
  });
}

/** `000_...` for `00_...`: fires right before it. */
function beforeFirst(name: string): string {
  return deriveName(name.replace('00_', '000_'), '');
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
