import { asPairs, type Mapping } from './mapping.ts';
import { type ChangeKind, kindOfChange, type Rename } from './rename.ts';

/** A change of columns over three releases, of any kind. */
export type Change = Rename | Mapping;

/** All changes of a project by their names, parts of changes among them. */
export type Changes = ReadonlyMap<string, Change>;

/** Of a project's files. */
export function changesOf({
  renames,
  mappings,
}: {
  readonly renames: ReadonlyMap<string, Rename>;
  readonly mappings: ReadonlyMap<string, Mapping>;
}): Changes {
  return new Map<string, Change>([...renames, ...mappings]);
}

export function isMapping(change: Change): change is Mapping {
  return 'fresh' in change;
}

/** A change as what looks at one old and one new column sees it. */
export function asPair(change: Change): Rename {
  const [first] = isMapping(change) ? asPairs(change) : [change];
  if (first === undefined) throw new TypeError('a change has columns');
  return first;
}

export function kindOf(change: Change): ChangeKind {
  return isMapping(change) ? change.kind : kindOfChange(change);
}

/** Names of the columns that a change is of: the old ones, and the new ones. */
export function columnsOf(change: Change): { readonly old: readonly string[]; readonly fresh: readonly string[] } {
  if (!isMapping(change)) return { old: [change.from], fresh: [change.to] };
  return { old: change.old.map(({ name }) => name), fresh: change.fresh.map(({ name }) => name) };
}
