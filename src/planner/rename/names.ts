import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { TableFacts } from '../../domain/facts.ts';
import { deriveName, identifierBytes, quoteIdent, quoteQualified, shortHash, slug } from '../../domain/identifier.ts';
import type { CarriedObject, RenameSync } from '../../domain/rename.ts';

/** Longest name of a rename: its files' names, with timestamp and suffix, stay below what file systems take. */
const LONGEST_RENAME = 120;

/** `users_email_to_email_address`; what is cut off keeps a hash. */
export function renameName(table: string, from: string, to: string): string {
  const name = `${slug(table)}_${slug(from)}_to_${slug(to)}`;
  return identifierBytes(name) <= LONGEST_RENAME ? name : `${name.slice(0, LONGEST_RENAME - 9)}_${shortHash(name)}`;
}

/** The name of an object's twin on the new column until phase 3: never one that is taken. */
function twinName(name: string, rename: string, taken: ReadonlySet<string>): string {
  const plain = deriveName(name, '_triphase');
  return taken.has(plain) ? deriveName(`${name}_${shortHash(rename)}`, '_triphase') : plain;
}

export function twinsOf(facts: TableFacts, rename: string): CarriedObject[] {
  const taken = new Set(facts.takenNames);
  const twins = (kind: CarriedObject['kind'], objects: readonly { name: string }[]): CarriedObject[] =>
    objects.map(({ name }) => ({ kind, name, twin: twinName(name, rename, taken) }));
  return [
    ...twins('index', facts.indexes),
    ...twins('unique', facts.uniques),
    ...twins('check', facts.checks),
    ...twins('foreign key', facts.foreignKeys),
  ];
}

/** Names of the sync's functions and triggers; `taken` are names of functions in the schema and in db/functions. */
export function syncNames(facts: TableFacts, rename: string, taken: ReadonlySet<string>): RenameSync {
  const stem = syncStem(facts, taken);
  const functions: [string, string] = [deriveName(stem, '_phase_1'), deriveName(stem, '_phase_2')];
  const first = sortsFirst(facts);
  const last = facts.triggers.some(({ mentionsColumn, before, row }) => mentionsColumn && before && row);
  return {
    functions,
    triggers: [deriveName(`${first}${stem}`, '_phase_1'), deriveName(`${first}${stem}`, '_phase_2')],
    last: last ? lastNames(facts, stem) : null,
    stragglers: { count: deriveName(`stragglers_${rename}`, ''), last: deriveName(`straggler_last_${rename}`, '') },
  };
}

function syncStem({ table, column }: TableFacts, taken: ReadonlySet<string>): string {
  const plain = `sync_${slug(table.name)}_${slug(column.name)}`;
  const isTaken = [1, 2].some((phase) => taken.has(deriveName(plain, `_phase_${phase}`)));
  return isTaken ? `${plain}_${shortHash(`${quoteQualified(table)}.${quoteIdent(column.name)}`)}` : plain;
}

function lastNames(facts: TableFacts, stem: string): NonNullable<RenameSync['last']> {
  const prefix = sortsLast(facts);
  return {
    functions: [deriveName(`${stem}_last`, '_phase_1'), deriveName(`${stem}_last`, '_phase_2')],
    triggers: [deriveName(`${prefix}${stem}`, '_phase_1'), deriveName(`${prefix}${stem}`, '_phase_2')],
  };
}

/** BEFORE row triggers fire in the order of their names' bytes; the sync has to come before those of the application. */
function sortsFirst(facts: TableFacts): string {
  return prefixThat(facts, ['00_', '!00_', ' 00_'], (prefix, name) => compareBytes(prefix, name) < 0);
}

function sortsLast(facts: TableFacts): string {
  return prefixThat(facts, ['zz_', '~zz_', '\u{10ffff}zz_'], (prefix, name) => compareBytes(prefix, name) > 0);
}

function prefixThat(
  facts: TableFacts,
  prefixes: readonly string[],
  fits: (prefix: string, name: string) => boolean,
): string {
  const names = facts.triggers.filter(({ before, row }) => before && row).map(({ name }) => name);
  const prefix = prefixes.find((candidate) => names.every((name) => fits(candidate, name)));
  if (prefix !== undefined) return prefix;
  throw new PhaseError('PH2001', {
    table: quoteQualified(facts.table),
    column: facts.column.name,
    objects: names.map((name) => ({
      object: `trigger ${quoteIdent(name)}`,
      reason: 'no trigger name sorts before (or after) it, and the sync has to',
      instead: 'Rename that trigger.',
    })),
  });
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
