import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { BOUND_KINDS, type Rename, TWINNED_KINDS } from '../domain/rename.ts';
import { problemsOf } from './config.ts';
import { folders } from './folders.ts';

const truth = z.enum(['true', 'false']).transform((word) => word === 'true');
const pair = z.tuple([z.string(), z.string()]);

/** Read with every scalar as text: a column may be called `1e3` or `null`. */
const renameSchema = z.strictObject({
  rename: z.string(),
  table: z.strictObject({ schema: z.string(), name: z.string() }),
  from: z.string(),
  to: z.string(),
  type: z.string(),
  byteEqual: truth,
  default: z.enum(['none', 'constant', 'volatile']),
  notNull: truth,
  carried: z.array(
    z.union([
      z.strictObject({ kind: z.enum(BOUND_KINDS), name: z.string(), on: z.string().optional() }),
      z.strictObject({
        kind: z.enum(TWINNED_KINDS),
        name: z.string(),
        twin: z.string(),
        on: z.string().optional(),
        state: z.enum(['not valid', 'not enforced']).optional(),
      }),
    ]),
  ),
  sync: z.strictObject({
    functions: pair,
    triggers: pair,
    last: z.union([z.enum(['none']).transform(() => null), z.strictObject({ functions: pair, triggers: pair })]),
    stragglers: z.strictObject({ count: z.string(), last: z.string() }),
  }),
});

/** Where a rename's file is, relative to the root. */
export function renamePath(name: string): string {
  return join(folders.renames, `${name}.yml`);
}

/** The file's text for a rename. */
export function renderRename({ name, sync, ...rest }: Rename): string {
  return stringify(
    { rename: name, ...rest, sync: { ...sync, last: sync.last ?? 'none' } },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

/**
 * All renames, by name.
 * @throws PH3005 when a file cannot be read.
 */
export async function readRenames(root: string): Promise<Map<string, Rename>> {
  const names = await readdir(join(root, folders.renames)).catch(() => []);
  const renames = await Promise.all(
    names
      .filter((name) => name.endsWith('.yml'))
      .sort()
      .map(async (name) =>
        parseRename(join(folders.renames, name), await readFile(join(root, folders.renames, name), 'utf8')),
      ),
  );
  return new Map(renames.map((rename) => [rename.name, rename]));
}

function parseRename(file: string, text: string): Rename {
  const document = parseDocument(text, { schema: 'failsafe' });
  const result = document.errors.length === 0 ? renameSchema.safeParse(document.toJS()) : null;
  if (!result?.success) {
    const problems = result?.error.issues.flatMap(problemsOf) ?? document.errors.map((error) => error.message);
    throw new PhaseError('PH3005', { file, problems });
  }
  const { rename: name, ...rest } = result.data;
  return { name, ...rest };
}
