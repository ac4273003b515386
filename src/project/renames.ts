import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { CarriedObject, Rename, RenamedFunction } from '../domain/rename.ts';
import { folders } from './folders.ts';
import { problemsOf } from './problems.ts';
import { readYaml } from './yaml.ts';

const carried = z.array(
  z.union([
    z.strictObject({ kind: z.string(), name: z.string(), on: z.string().optional() }),
    z.strictObject({
      kind: z.string(),
      name: z.string(),
      twin: z.string(),
      on: z.string().optional(),
      state: z.enum(['not valid', 'not enforced']).optional(),
    }),
  ]),
);

const versions = z
  .array(
    z.strictObject({ signature: z.string(), file: z.string(), version: z.string().regex(/^\d+$/).transform(Number) }),
  )
  .default([]);

const refreshSchema = z.strictObject({ refreshes: z.string(), carried, versions });

const truth = z.enum(['true', 'false']).transform((word) => word === 'true');
const pair = z.tuple([z.string(), z.string()]);
const none = z.tuple([]);

/** Read with every scalar as text: a column may be called `1e3` or `null`. */
const renameSchema = z.strictObject({
  rename: z.string(),
  table: z.strictObject({ schema: z.string(), name: z.string() }),
  from: z.string(),
  to: z.string(),
  type: z.string(),
  byteEqual: truth,
  default: z.enum(['none', 'constant', 'volatile']),
  standing: z
    .string()
    .optional()
    .transform((expression) => expression ?? null),
  notNull: truth,
  carried,
  versions,
  sync: z.strictObject({
    functions: z.union([pair, none]),
    triggers: z.union([pair, none]),
    moved: z.union([z.enum(['none']).transform(() => null), pair]).default(null),
    last: z.union([z.enum(['none']).transform(() => null), z.strictObject({ functions: pair, triggers: pair })]),
    stragglers: z.strictObject({ count: z.string(), last: z.string(), schema: z.string().optional() }),
  }),
});

/** Where a rename's file is, relative to the root. */
export function renamePath(name: string): string {
  return join(folders.renames, `${name}.yml`);
}

/** The file's text for a rename. */
export function renderRename({ name, sync, standing, refreshed: _, ...rest }: Rename): string {
  const { notNull, carried: objects, versions: functions, ...first } = rest;
  const copies = asText(functions);
  return stringify(
    {
      rename: name,
      ...first,
      ...(standing === null ? {} : { standing }),
      notNull,
      carried: objects,
      ...(copies.length === 0 ? {} : { versions: copies }),
      sync: { ...sync, moved: sync.moved ?? 'none', last: sync.last ?? 'none' },
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function asText(functions: readonly RenamedFunction[]): object[] {
  return functions.map((copy) => ({ ...copy, version: String(copy.version) }));
}

/** Where what a refresh has added is, relative to the root: a file of its own, since a released one never changes. */
export function refreshPath(name: string, number: number): string {
  return join(folders.renames, `${name}_refresh_${number}.yml`);
}

/** The text of that file. */
export function renderRefresh(
  name: string,
  objects: readonly CarriedObject[],
  functions: readonly RenamedFunction[],
): string {
  const copies = functions.length === 0 ? {} : { versions: asText(functions) };
  return stringify({ refreshes: name, carried: objects, ...copies }, { lineWidth: 0, aliasDuplicateObjects: false });
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
    const { rename: name, ...rest } = validated(file, renameSchema.safeParse(document));
    renames.set(name, { name, refreshed: [], ...rest });
  }
  for (const { file, document } of documents.filter((one) => isRefresh(one.document))) {
    const { refreshes, carried: objects, versions: more } = validated(file, refreshSchema.safeParse(document));
    const rename = renames.get(refreshes);
    if (!rename) throw new PhaseError('PH3005', { file, problems: [`refreshes: there is no rename ${refreshes}`] });
    renames.set(refreshes, {
      ...rename,
      refreshed: [...rename.refreshed, ...objects],
      versions: [...rename.versions, ...more],
    });
  }
  return renames;
}

function isRefresh(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'refreshes' in document;
}

function validated<T>(file: string, result: z.ZodSafeParseResult<T>): T {
  if (result.success) return result.data;
  throw new PhaseError('PH3005', { file, problems: result.error.issues.flatMap(problemsOf) });
}
