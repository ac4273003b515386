import type { QualifiedName } from './identifier.ts';
import { asPairs, type Mapping, namesOf } from './mapping.ts';
import { asSourcePair, type Move } from './move.ts';
import { type ChangeKind, kindOfChange, type Rename, type RenameSync } from './rename.ts';

/** A change of columns over three releases, of any kind. */
export type Change = Rename | Mapping | Move;

/** All changes of a project by their names, parts of changes among them. */
export type Changes = ReadonlyMap<string, Change>;

/** Of a project's files. */
export function changesOf({
  renames,
  mappings,
  moves,
}: {
  readonly renames: ReadonlyMap<string, Rename>;
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly moves: ReadonlyMap<string, Move>;
}): Changes {
  return new Map<string, Change>([...renames, ...mappings, ...moves]);
}

/** A change of one column within its table: another name, or another type. */
export function isRename(change: Change): change is Rename {
  return 'retype' in change;
}

export function isMove(change: Change): change is Move {
  return 'toTable' in change;
}

export function isMapping(change: Change): change is Mapping {
  return 'fresh' in change;
}

/** What keeps a change in step, by the tables that it is on. */
export function syncsOf(change: Change): { readonly table: QualifiedName; readonly sync: RenameSync }[] {
  const own = { table: change.table, sync: change.sync };
  return isMove(change) ? [own, { table: change.toTable, sync: change.targetSync }] : [own];
}

/** A change as pairs of one old and one new column, each column once at least; of a move its first table alone. */
export function pairsOf(change: Change): Rename[] {
  if (isMapping(change)) return asPairs(change);
  return [isMove(change) ? asSourcePair(change) : change];
}

/** A change as what looks at one old and one new column sees it. */
export function asPair(change: Change): Rename {
  const [first] = pairsOf(change);
  if (first === undefined) throw new TypeError('a change has columns');
  return first;
}

export function kindOf(change: Change): ChangeKind {
  return 'kind' in change ? change.kind : kindOfChange(change);
}

/** What is new of a change, in words: a column, several, or one of another table. */
export function freshInWords(change: Change): string {
  if (isMove(change)) return `${change.toTable.name}.${change.to}`;
  return isMapping(change) ? namesOf(change.fresh) : change.to;
}

/** Names of the columns that a change is of: the old ones, and the new ones. */
export function columnsOf(change: Change): { readonly old: readonly string[]; readonly fresh: readonly string[] } {
  if (!isMapping(change)) return { old: [change.from], fresh: [change.to] };
  return { old: change.old.map(({ name }) => name), fresh: change.fresh.map(({ name }) => name) };
}
