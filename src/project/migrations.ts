import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ManifestEntry, MigrationKind } from '../domain/manifest.ts';
import { withoutBom } from './checksum.ts';
import { migrationFolder } from './folders.ts';
import type { ModuleSource } from './modules.ts';
import { parseSqlMigration, type SqlMigration } from './sql-migration.ts';

/** A migration's file as it lies in its folder. */
export interface MigrationFile {
  readonly id: string;
  readonly kind: MigrationKind;
  /** Relative to the root. */
  readonly path: string;
  /** What its manifest says where it does not say it itself. */
  readonly transaction?: boolean | undefined;
}

/** Of files that may be migrations. */
export const EXTENSIONS = /\.(ts|mts|js|mjs|cjs|sql)$/;
/** Endings that somebody takes for those, and nobody reads: of the tables or maps beside migrations nothing is expected. */
const NEARLY = /\.(sql|[mc]?[jt]sx?)$/i;
/** Folders below that hold no migrations. */
const NO_FOLDER = /^[._]|^(node_modules|tests?)$/;
/** Hidden files, declarations and tests beside migrations. */
const NO_MIGRATION = /^\.|\.d\.m?ts$|\.(?:test|spec)\.[^.]+$/;

/**
 * All migrations in both folders, and those that manifests list elsewhere.
 * @param entries what manifests list: these are migrations, whoever names them.
 * @throws PH3010 when two files have one id.
 */
export async function findMigrations(
  root: string,
  entries: readonly ManifestEntry[] = [],
): Promise<readonly MigrationFile[]> {
  const kinds: MigrationKind[] = ['schema', 'data'];
  const listed = new Map(entries.map((entry) => [entry.id, entry]));
  const inFolders = (await Promise.all(kinds.map((kind) => filesOf(root, kind, listed)))).flat();
  const files = [...inFolders, ...elsewhere(root, listed.values())].map((file) =>
    listed.get(file.id)?.transaction === 'no' ? { ...file, transaction: false } : file,
  );
  const byId = new Map<string, MigrationFile>();
  for (const file of files) {
    const other = byId.get(file.id);
    if (other) throw new PhaseError('PH3010', { id: file.id, files: [other.path, file.path] });
    byId.set(file.id, file);
  }
  return files;
}

/** One that is no longer where its manifest says may have been moved into its folder. */
function elsewhere(root: string, entries: Iterable<ManifestEntry>): MigrationFile[] {
  return [...entries].flatMap(({ id, kind, file }) =>
    file !== undefined && existsSync(join(root, file)) ? [{ id, kind, path: file }] : [],
  );
}

/** In its folder every module and script is a migration; in folders below it what has a number in front, and is not read by one of the others. */
async function filesOf(
  root: string,
  kind: MigrationKind,
  listed: Pick<ReadonlySet<string>, 'has'>,
): Promise<MigrationFile[]> {
  const folder = migrationFolder(kind);
  const paths = (await pathsIn(root, folder)).filter(
    (path) => EXTENSIONS.test(path) && !NO_MIGRATION.test(basename(path)),
  );
  const idOf = (path: string): string => basename(path).replace(EXTENSIONS, '');
  const nested = paths.filter((path) => dirname(path) !== folder && !listed.has(idOf(path)));
  const helpers = nested.length === 0 ? [] : await helpersAmong(root, nested, paths);
  return paths
    .filter((path) => dirname(path) === folder || (hasNumber(path) && !helpers.includes(path)))
    .map((path) => ({ id: idOf(path), kind, path }));
}

/**
 * What lies among migrations and never runs, for its name: the number in front is missing, by which migrations are ordered, or the ending is none.
 * @param listed ids that manifests list: they run, whatever they are called.
 */
export async function misnamedFiles(root: string, listed: Pick<ReadonlySet<string>, 'has'>): Promise<string[]> {
  const kinds: MigrationKind[] = ['schema', 'data'];
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const folder = migrationFolder(kind);
      const paths = await pathsIn(root, folder);
      return paths.filter((path) => {
        const name = basename(path);
        if (NO_MIGRATION.test(name) || listed.has(name.replace(EXTENSIONS, ''))) return false;
        return EXTENSIONS.test(name)
          ? dirname(path) === folder && !hasNumber(path)
          : hasNumber(path) && NEARLY.test(name);
      });
    }),
  );
  return found.flat();
}

const hasNumber = (path: string): boolean => /^\d+[_-]/.test(basename(path));

/** All files in a folder and those below it, in order; not in hidden folders, nor in those of tests. */
async function pathsIn(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  const paths = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      // A folder that is called like a file is said to be none when it is read.
      if (!entry.isDirectory() || EXTENSIONS.test(entry.name)) return [path];
      return NO_FOLDER.test(entry.name) ? [] : pathsIn(root, path);
    }),
  );
  return paths.flat().sort();
}

const named = (file: string): RegExp =>
  new RegExp(`["'\`/]${file.replace(EXTENSIONS, '').replaceAll(/\W/g, '\\$&')}(\\.\\w+)?["'\`]`);

/** Files that a migration names in quotes, with a path or without: it reads or imports them itself. */
async function helpersAmong(root: string, nested: readonly string[], paths: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8').catch(() => '')));
  return nested.filter((path) => texts.some((text, at) => paths[at] !== path && named(basename(path)).test(text)));
}

/** What a migration's second argument is made of; the runner gives it. */
type MigrationFunction = (knex: Knex, context: never) => unknown;

/** How a migration wants to be run. */
interface MigrationSettings {
  /** In one transaction with its ledger row; false: outside. */
  readonly transaction: boolean;
  /** The same for its way back. */
  readonly downTransaction: boolean;
  /** Whether it may be run again after a crash in the middle, when it runs outside a transaction. */
  readonly safeToRepeat: boolean;
  /** Of its transaction; data migrations see one snapshot unless they ask for another. */
  readonly isolation: Isolation;
  /** What its audits are filed under. */
  readonly ticket: string | null;
}

const ISOLATIONS = ['read committed', 'repeatable read', 'serializable'] as const;
type Isolation = (typeof ISOLATIONS)[number];

/** A migration that was loaded and can be run. */
export type LoadedMigration = MigrationFile &
  MigrationSettings &
  (
    | { readonly form: 'module'; readonly up: MigrationFunction; readonly down: MigrationFunction | null }
    | { readonly form: 'sql'; readonly sql: SqlMigration }
  );

/**
 * Loads a migration's file.
 * @throws PH5006 when it cannot be loaded, PH3014 when it is no migration.
 */
export async function loadMigration(source: ModuleSource, file: MigrationFile): Promise<LoadedMigration> {
  if (file.path.endsWith('.sql')) {
    const sql = await parseSqlMigration(file.path, withoutBom(await readFile(join(source.root, file.path), 'utf8')));
    return {
      ...file,
      form: 'sql',
      sql,
      transaction: sql.transaction && file.transaction !== false,
      downTransaction: sql.transaction && file.transaction !== false,
      safeToRepeat: false,
      isolation: isolationOf(file),
      ticket: null,
    };
  }
  const exported = await importMigration(source, file);
  const { up, down } = exported;
  if (typeof up !== 'function')
    throw new PhaseError('PH3014', { file: file.path, reason: 'It exports no function up.' });
  if (down !== undefined && typeof down !== 'function') {
    throw new PhaseError('PH3014', { file: file.path, reason: 'Its down is no function.' });
  }
  return {
    ...file,
    ...settingsOf(file, exported.config),
    form: 'module',
    up: up as MigrationFunction,
    down: (down as MigrationFunction) ?? null,
  };
}

async function importMigration({ root, load }: ModuleSource, file: MigrationFile): Promise<Record<string, unknown>> {
  try {
    const module = await load(join(root, file.path));
    const fallback = module.default;
    return module.up === undefined && typeof fallback === 'object' && fallback !== null
      ? (fallback as Record<string, unknown>)
      : module;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PhaseError('PH5006', { file: file.path, reason }, { cause: error });
  }
}

function settingsOf(file: MigrationFile, config: unknown): MigrationSettings {
  if (config !== undefined && (typeof config !== 'object' || config === null)) {
    throw new PhaseError('PH3014', { file: file.path, reason: 'Its config is no object.' });
  }
  const {
    transaction = file.transaction ?? true,
    downTransaction = transaction,
    safeToRepeat = false,
    isolation = isolationOf(file),
    ticket = null,
  } = (config ?? {}) as Partial<MigrationSettings>;
  if (!ISOLATIONS.includes(isolation)) {
    throw new PhaseError('PH3014', { file: file.path, reason: `Its isolation is none of ${ISOLATIONS.join(', ')}.` });
  }
  if (ticket !== null && typeof ticket !== 'string') {
    throw new PhaseError('PH3014', { file: file.path, reason: 'Its ticket is no text.' });
  }
  return { transaction, downTransaction, safeToRepeat, isolation, ticket: ticket === '' ? null : ticket };
}

const isolationOf = ({ kind }: MigrationFile): Isolation => (kind === 'data' ? 'repeatable read' : 'read committed');

/** The file of an entry, among those found. */
export function fileOf(files: readonly MigrationFile[], entry: Pick<ManifestEntry, 'id'>): MigrationFile | undefined {
  return files.find((file) => file.id === entry.id);
}
