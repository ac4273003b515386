import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { CarriedObject, Rename, RenamedFunction } from '../domain/rename.ts';
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

const refreshSchema = strict({
  refreshes: v.string(),
  carried,
  versions,
  copiesAttributes: v.optional(v.string()),
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

/** Read with every scalar as text: a column may be called `1e3` or `null`. */
const renameSchema = strict({
  rename: v.string(),
  table: strict({ schema: v.string(), name: v.string() }),
  from: v.string(),
  to: v.string(),
  type: v.string(),
  byteEqual: truth,
  default: v.picklist(['none', 'constant', 'volatile']),
  standing: v.optional(v.nullable(v.string()), null),
  notNull: truth,
  carried,
  versions,
  sync: strict({
    functions: v.union([pair, none]),
    triggers: v.union([pair, none]),
    moved: v.optional(v.union([nothing, pair]), 'none'),
    last: v.union([nothing, strict({ functions: pair, triggers: pair })], 'takes none, or functions and triggers'),
    stragglers: strict({ count: v.string(), last: v.string(), schema: v.optional(v.string()) }),
  }),
});

/** Where a rename's file is, relative to the root. */
export function renamePath(name: string): string {
  return join(folders.renames, `${name}.yml`);
}

/** Where what a refresh has added is, relative to the root: a file of its own, since a released one never changes. */
export function refreshPath(name: string, number: number): string {
  return join(folders.renames, `${name}_refresh_${number}.yml`);
}

/**
 * All renames, by name, with what refreshes have added.
 * @throws PH3005 when a file cannot be read, or refreshes a rename that is not there.
 */
export async function readRenames(root: string): Promise<Map<string, Rename>> {
  const names = await readdir(join(root, folders.renames)).catch(() => []);
  const documents = await Promise.all(
    names
      .filter((name) => name.endsWith('.yml'))
      .sort()
      .map(async (name) => {
        const file = join(folders.renames, name);
        return { file, document: readYaml(file, await readFile(join(root, file), 'utf8')) };
      }),
  );
  const renames = new Map<string, Rename>();
  for (const { file, document } of documents.filter((one) => !isRefresh(one.document))) {
    const { rename: name, ...rest } = validated(file, v.safeParse(renameSchema, document));
    renames.set(name, { name, refreshed: [], copying: [], ...rest, versions: rest.versions.map(inPhase(2)) });
  }
  for (const { file, document } of documents.filter((one) => isRefresh(one.document))) {
    const refresh = validated(file, v.safeParse(refreshSchema, document));
    const { refreshes, carried: objects, versions: more, copiesAttributes = [] } = refresh;
    const rename = renames.get(refreshes);
    if (!rename) throw new PhaseError('PH3005', { file, problems: [`refreshes: there is no rename ${refreshes}`] });
    renames.set(refreshes, {
      ...rename,
      refreshed: [...rename.refreshed, ...objects],
      versions: [...rename.versions, ...more.map(inPhase(3))],
      copying: [...rename.copying, ...[copiesAttributes].flat()],
    });
  }
  return renames;
}

/** Of the rename's own file the second phase brings them, of a refresh the third. */
function inPhase(phase: 2 | 3): (version: v.InferOutput<typeof functionVersion>) => RenamedFunction {
  return ({ base, ...copy }) => ({ ...copy, phase, withBase: base !== undefined });
}

function isRefresh(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'refreshes' in document;
}

function validated<T extends v.GenericSchema>(file: string, result: v.SafeParseResult<T>): v.InferOutput<T> {
  if (result.success) return result.output;
  throw new PhaseError('PH3005', { file, problems: result.issues.map(problemOf) });
}
