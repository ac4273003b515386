import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';
import { changeManifest } from '../project/change-manifest.ts';
import { checksum } from '../project/checksum.ts';
import type { FileChange } from '../project/files.ts';
import { migrationFolder } from '../project/folders.ts';
import { manifestPath } from '../project/manifests.ts';
import type { ModuleSource } from '../project/modules.ts';

/** What a knex project says of its migrations. */
interface KnexMigrations {
  readonly folders: readonly string[];
  /** As SQL names it. */
  readonly table: string;
}

export interface KnexBaseline {
  readonly changes: readonly FileChange[];
  /** Where knex keeps what it has run. */
  readonly table: string;
}

const KNEXFILES = ['js', 'ts', 'mjs', 'cjs', 'mts', 'cts'].map((extension) => `knexfile.${extension}`);
const EXTENSIONS = ['.js', '.ts', '.mjs', '.cjs', '.mts'];

/**
 * The migrations of a knex project as the baseline of a release: the same names, so that what `knex_migrations` says has
 * run counts as applied; imports by relative paths follow. Nothing is written yet.
 * @throws PH1028 when there are none, or their names do not begin with a timestamp, PH1011 when the release has a manifest.
 */
export async function knexBaseline(source: ModuleSource, release: Release): Promise<KnexBaseline> {
  const { root } = source;
  const { folders, table } = await knexMigrations(source);
  const files = (await Promise.all(folders.map((folder) => filesOf(root, folder)))).flat().sort();
  if (files.length === 0) refuse(`${folders.join(', ')} holds no migrations.`);
  const odd = files.filter((file) => !/(?:^|\/)\d{14}_[^/]+$/.test(file));
  if (odd.length > 0) refuse(`These names do not begin with a timestamp of 14 digits: ${odd.join(', ')}.`);
  if (existsSync(join(root, manifestPath(release)))) throw new PhaseError('PH1011', { files: [manifestPath(release)] });
  const copies = await Promise.all(files.map((file) => copyOf(root, file)));
  const add = copies.map(({ path, content }): ManifestEntry => {
    const id = (path.split('/').at(-1) ?? '').slice(0, -extname(path).length);
    return { id, kind: 'schema', sha256: checksum(content) };
  });
  return { changes: [...copies, await changeManifest(root, { release, add, cut: true })], table };
}

function refuse(reason: string): never {
  throw new PhaseError('PH1028', { reason });
}

/** Of the knexfile, in whatever environment says it; else knex's own defaults. */
async function knexMigrations({ root, load }: ModuleSource): Promise<KnexMigrations> {
  const file = KNEXFILES.map((name) => join(root, name)).find((path) => existsSync(path));
  const found = file === undefined ? undefined : migrationsIn(await knexfile(await load(file)));
  const { directory = './migrations', tableName = 'knex_migrations', schemaName } = found ?? {};
  return {
    folders: [directory].flat().map((folder) => relative(root, resolve(root, folder))),
    table: schemaName === undefined ? tableName : `${schemaName}.${tableName}`,
  };
}

interface KnexfileMigrations {
  readonly directory?: string | string[];
  readonly tableName?: string;
  readonly schemaName?: string;
}

async function knexfile(module: Record<string, unknown>): Promise<Record<string, unknown>> {
  const config = (module.default ?? module) as unknown;
  const resolved = typeof config === 'function' ? await config() : config;
  return (resolved ?? {}) as Record<string, unknown>;
}

function migrationsIn(config: Record<string, unknown>): KnexfileMigrations | undefined {
  const parts = [config, ...Object.values(config)] as ({ migrations?: KnexfileMigrations } | null | undefined)[];
  return parts.find((part) => typeof part === 'object' && typeof part?.migrations === 'object')?.migrations;
}

async function filesOf(root: string, folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder)).catch(() => []);
  return names
    .filter((name) => EXTENSIONS.includes(extname(name)) && !/\.d\.m?ts$/.test(name))
    .map((name) => join(folder, name));
}

async function copyOf(root: string, file: string): Promise<FileChange> {
  const folder = migrationFolder('schema');
  const text = await readFile(join(root, file), 'utf8');
  const content = text.replaceAll(
    /((?:from|import|require)\s*\(?\s*)(['"])(\.{1,2}\/[^'"]+)\2/g,
    (_match, before: string, quote: string, path: string) => {
      const moved = relative(folder, join(dirname(file), path));
      return `${before}${quote}${moved.startsWith('.') ? moved : `./${moved}`}${quote}`;
    },
  );
  return { path: join(folder, file.split('/').at(-1) ?? ''), content, mode: 'create' };
}
