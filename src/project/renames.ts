import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Change, kindOf } from '../domain/change.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { MAPPING_KINDS, type Mapping } from '../domain/mapping.ts';
import { MISSING, type Move } from '../domain/move.ts';
import { type CarriedObject, partName, type Rename, type RenamedFunction, wholeOf } from '../domain/rename.ts';
import { folders } from './folders.ts';
import { problemOf, strict } from './problems.ts';
import { readYaml } from './yaml.ts';

const carried = v.array(
  v.pipe(
    strict({
      kind: v.string(),
      name: v.string(),
      twin: v.optional(v.string()),
      on: v.optional(v.string()),
      state: v.optional(v.picklist(['not valid', 'not enforced'])),
    }),
    v.check(({ twin, state }) => twin !== undefined || state === undefined, 'only what has a twin has a state'),
    v.transform(({ twin, state, ...bound }): CarriedObject => (twin === undefined ? bound : { ...bound, twin, state })),
  ),
);

const functionVersion = strict({
  signature: v.string(),
  file: v.string(),
  version: v.pipe(v.string(), v.regex(/^\d+$/, 'is no number'), v.transform(Number)),
  base: v.optional(v.literal('scaffolded')),
});
const versions = v.optional(v.array(functionVersion), []);

const refreshedColumn = { carried, versions, copiesAttributes: v.optional(v.string()) };

const refreshSchema = strict({
  refreshes: v.string(),
  ...refreshedColumn,
  /** Columns that are renamed with the first, by their old names. */
  with: v.optional(v.array(strict({ column: v.string(), ...refreshedColumn })), []),
});

const truth = v.pipe(
  v.picklist(['true', 'false']),
  v.transform((word) => word === 'true'),
);
const pair = v.strictTuple([v.string(), v.string()]);
const none = v.strictTuple([]);
const nothing = v.pipe(
  v.literal('none'),
  v.transform(() => null),
);

const table = strict({ schema: v.string(), name: v.string() });
const sync = strict({
  functions: v.union([pair, none]),
  triggers: v.union([pair, none]),
  moved: v.optional(v.union([nothing, pair]), 'none'),
  last: v.union([nothing, strict({ functions: pair, triggers: pair })], 'takes none, or functions and triggers'),
  stragglers: strict({ count: v.string(), last: v.string(), schema: v.optional(v.string()) }),
});

const renamedColumn = {
  from: v.string(),
  to: v.string(),
  type: v.string(),
  byteEqual: truth,
  default: v.picklist(['none', 'constant', 'volatile']),
  standing: v.optional(v.nullable(v.string()), null),
  notNull: truth,
  carried,
  versions,
};

/** Read with every scalar as text: a column may be called `1e3` or `null`. */
const renameSchema = strict({
  rename: v.string(),
  table,
  ...renamedColumn,
  sync,
  /** Columns of the table that are renamed with it: one sync keeps them all in step. */
  with: v.optional(v.array(strict(renamedColumn)), []),
});

const retypedColumn = {
  table,
  column: v.string(),
  aside: v.string(),
  type: v.string(),
  toType: v.string(),
  byteEqual: truth,
  toByteEqual: truth,
  forward: v.string(),
  back: v.string(),
  mayFail: v.optional(v.array(v.picklist(['forward', 'back'])), []),
  onError: v.optional(v.string()),
  notNull: truth,
  carried,
  sync,
};

const retypeSchema = strict({
  change: v.string(),
  kind: v.literal('retype'),
  ...retypedColumn,
  /** Columns that reference the key, and get the new type with it. */
  with: v.optional(v.array(strict(retypedColumn)), []),
});

/** What every file of a change says. */
const changeSchema = v.looseObject({ change: v.string(), kind: v.picklist(['retype', 'move', ...MAPPING_KINDS]) });

const dropped = v.optional(v.array(strict({ kind: v.string(), name: v.string(), on: v.string() })), []);

const mappedColumn = strict({
  name: v.string(),
  type: v.string(),
  byteEqual: truth,
  notNull: v.optional(truth, 'false'),
  default: v.optional(v.nullable(v.string()), null),
  /** What it is made of; left out where nothing leads back to it. */
  value: v.optional(v.nullable(v.string()), null),
  mayFail: v.optional(truth, 'false'),
  onError: v.optional(v.string()),
});

const mappingSchema = strict({
  change: v.string(),
  kind: v.picklist(MAPPING_KINDS),
  table,
  old: v.pipe(v.array(mappedColumn), v.minLength(1)),
  new: v.pipe(v.array(mappedColumn), v.minLength(1)),
  dropped,
  sync,
});

const moveSchema = strict({
  change: v.string(),
  kind: v.literal('move'),
  table,
  column: v.string(),
  toTable: table,
  to: v.string(),
  type: v.string(),
  byteEqual: truth,
  notNull: v.optional(truth, 'false'),
  default: v.optional(v.nullable(v.string()), null),
  via: v.pipe(v.array(strict({ source: v.string(), target: v.string(), type: v.string() })), v.minLength(1)),
  isUnique: truth,
  missing: v.picklist(MISSING),
  dropped,
  sync,
  targetSync: sync,
  unsettled: strict({ name: v.string(), schema: v.optional(v.string()) }),
  unlisted: v.optional(v.array(v.picklist(['source', 'target'])), []),
});

/** Where the file of a change is, relative to the root. */
export function changePath(change: Change): string {
  return join(kindOf(change) === 'rename' ? folders.renames : folders.changes, `${wholeOf(change)}.yml`);
}

/** Where what a refresh has added is, relative to the root: a file of its own, since a released one never changes. */
export function refreshPath(name: string, number: number): string {
  return join(folders.renames, `${name}_refresh_${number}.yml`);
}

/** All changes of a project: those of one column each, their parts among them, and those between several columns. */
export interface ProjectChanges {
  readonly renames: ReadonlyMap<string, Rename>;
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly moves: ReadonlyMap<string, Move>;
}

/**
 * All changes, by name, with what refreshes have added.
 * @throws PH3005 when a file cannot be read, or refreshes a rename that is not there.
 */
export async function readChanges(root: string): Promise<ProjectChanges> {
  const renames = await readRenames(root);
  const mappings = new Map<string, Mapping>();
  const moves = new Map<string, Move>();
  for (const { file, document } of await documentsIn(root, folders.changes)) {
    const { kind, change: name } = validated(file, v.safeParse(changeSchema, document));
    if (renames.has(name))
      throw new PhaseError('PH3005', { file, problems: [`change: ${name} is the name of a rename, too`] });
    if (kind === 'retype') addRetype(renames, file, document);
    else if (kind === 'move') moves.set(name, moveOf(validated(file, v.safeParse(moveSchema, document))));
    else mappings.set(name, mappingOf(validated(file, v.safeParse(mappingSchema, document))));
  }
  return { renames, mappings, moves };
}

function addRetype(renames: Map<string, Rename>, file: string, document: unknown): void {
  const { change: name, kind: _, with: others, ...own } = validated(file, v.safeParse(retypeSchema, document));
  renames.set(name, retypeOf(name, null, own));
  for (const other of others) {
    const part = partName(name, other.table, other.column);
    renames.set(part, retypeOf(part, name, other));
  }
}

async function readRenames(root: string): Promise<Map<string, Rename>> {
  const documents = await documentsIn(root, folders.renames);
  const renames = new Map<string, Rename>();
  for (const { file, document } of documents.filter((one) => !isRefresh(one.document))) {
    addRename(renames, validated(file, v.safeParse(renameSchema, document)));
  }
  for (const { file, document } of documents.filter((one) => isRefresh(one.document))) {
    const refresh = validated(file, v.safeParse(refreshSchema, document));
    const { refreshes, with: others, ...own } = refresh;
    const rename = renames.get(refreshes);
    if (!rename) throw new PhaseError('PH3005', { file, problems: [`refreshes: there is no rename ${refreshes}`] });
    renames.set(refreshes, withRefreshed(rename, own));
    for (const { column, ...more } of others) {
      const name = partName(refreshes, rename.table, column);
      const part = renames.get(name);
      if (!part) throw new PhaseError('PH3005', { file, problems: [`with: ${refreshes} does not rename ${column}`] });
      renames.set(name, withRefreshed(part, more));
    }
  }
  return renames;
}

function addRename(renames: Map<string, Rename>, document: v.InferOutput<typeof renameSchema>): void {
  const { rename: name, table: of, sync: synced, with: others, ...own } = document;
  const rest: Pick<Rename, 'table' | 'sync' | 'refreshed' | 'copying' | 'retype'> = {
    ...{ table: of, sync: synced, refreshed: [], copying: [], retype: null },
  };
  renames.set(name, { name, ...own, ...rest, versions: own.versions.map(ofPhase(2)), partOf: null });
  for (const other of others) {
    const part = partName(name, of, other.from);
    renames.set(part, { name: part, ...other, ...rest, versions: other.versions.map(ofPhase(2)), partOf: name });
  }
}

type RefreshedColumn = Omit<v.InferOutput<typeof refreshSchema>, 'refreshes' | 'with'>;

function withRefreshed(
  rename: Rename,
  { carried: objects, versions: more, copiesAttributes }: RefreshedColumn,
): Rename {
  return {
    ...rename,
    refreshed: [...rename.refreshed, ...objects],
    versions: [...rename.versions, ...more.map(ofPhase(3))],
    copying: [...rename.copying, ...(copiesAttributes === undefined ? [] : [copiesAttributes])],
  };
}

async function documentsIn(root: string, folder: string): Promise<{ file: string; document: unknown }[]> {
  const names = await readdir(join(root, folder)).catch(() => []);
  const files = names.filter((name) => name.endsWith('.yml')).sort();
  return Promise.all(
    files.map(async (name) => {
      const file = join(folder, name);
      return { file, document: readYaml(file, await readFile(join(root, file), 'utf8')) };
    }),
  );
}

type RetypedColumn = Omit<v.InferOutput<typeof retypeSchema>, 'change' | 'kind' | 'with'>;

function retypeOf(name: string, partOf: string | null, { column, aside, ...facts }: RetypedColumn): Rename {
  const { table: of, type, toType, byteEqual, toByteEqual, forward, back, mayFail, onError, notNull } = facts;
  return {
    name,
    table: of,
    from: column,
    to: aside,
    ...{ type, byteEqual, notNull, carried: facts.carried, sync: facts.sync },
    ...{ default: 'none', standing: null, refreshed: [], versions: [], copying: [], partOf },
    retype: {
      type: toType,
      byteEqual: toByteEqual,
      forward: { sql: forward, mayFail: mayFail.includes('forward') },
      back: { sql: back, mayFail: mayFail.includes('back') },
      ...(onError === undefined ? {} : { onError }),
    },
  };
}

function mappingOf({ change: name, new: fresh, old, ...rest }: v.InferOutput<typeof mappingSchema>): Mapping {
  const column = ({ value, mayFail, ...facts }: v.InferOutput<typeof mappedColumn>) => ({
    ...facts,
    value: value === null ? null : { sql: value, mayFail },
  });
  return { name, ...rest, old: old.map(column), fresh: fresh.map(column), partOf: null };
}

function moveOf({ change: name, column: from, ...rest }: v.InferOutput<typeof moveSchema>): Move {
  return { name, from, ...rest, partOf: null };
}

/** Of the rename's own file the second phase brings them, of a refresh the third. */
function ofPhase(phase: 2 | 3): (version: v.InferOutput<typeof functionVersion>) => RenamedFunction {
  return ({ base, ...copy }) => ({ ...copy, phase, withBase: base !== undefined });
}

function isRefresh(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'refreshes' in document;
}

function validated<T extends v.GenericSchema>(file: string, result: v.SafeParseResult<T>): v.InferOutput<T> {
  if (result.success) return result.output;
  throw new PhaseError('PH3005', { file, problems: result.issues.map(problemOf) });
}
