import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { ManifestEntry } from '../../domain/manifest.ts';
import { parseRelease, type Release } from '../../domain/release.ts';
import { changeManifest } from '../../project/change-manifest.ts';
import { checksum } from '../../project/checksum.ts';
import type { FileChange } from '../../project/files.ts';
import { migrationFolder } from '../../project/folders.ts';
import { KNEX_TABLE, type Knexfile, knexTable, loadKnexfile } from '../../project/knexfile.ts';
import { manifestPath, parseManifest } from '../../project/manifests.ts';
import type { ModuleSource } from '../../project/modules.ts';
import { render } from '../../scaffold/templates.ts';
import { findKnexfile } from './find-knexfile.ts';
import { type KnexMigration, knexMigrations } from './knex-migrations.ts';

/** What is asked for, in place of what is found. */
export interface AdoptRequest {
  /** Relative to the root. */
  readonly knexfile?: string | undefined;
  readonly environment?: string | undefined;
  /** Folders of migrations, relative to the root, where a migrator is configured in code. */
  readonly directories: readonly string[];
  /** Where knex keeps what it has run, as SQL names it. */
  readonly table?: string | undefined;
}

/** The migrations of a knex project as they are taken over. Nothing is written yet. */
export interface KnexBaseline {
  readonly changes: readonly FileChange[];
  readonly release: Release;
  /** In the order in which they run. */
  readonly migrations: readonly KnexMigration[];
  /** What the configuration is to say. */
  readonly settings: AdoptedSettings;
}

export interface AdoptedSettings {
  /** Relative to the root. */
  readonly knexfile: string | null;
  readonly knexEnvironment: string | null;
  /** As SQL names it; null where the knexfile says it. */
  readonly knexMigrations: string | null;
}

/**
 * The migrations of a knex project as a baseline below all releases, under the names by which the table of knex knows them, so that what has run there counts
 * as applied. They stay where they are: what they read or import from beside themselves is found as it was.
 * @param current the release of the project, where it is known.
 * @throws PH1028, PH1033, PH1011 when there is a baseline already.
 */
export async function knexBaseline(
  source: ModuleSource,
  request: AdoptRequest,
  current: Release | null,
): Promise<KnexBaseline> {
  const { root } = source;
  const knexfile = await knexfileFor(source, request);
  const migrations = await listed(root, knexfile, request);
  const release = baselineRelease(root, current);
  const shims = migrations.filter(({ file }) => file === null).map((migration) => shimOf(knexfile, migration));
  const add = await entriesOf(root, migrations, {
    shims: new Map(shims.map(({ id, change }) => [id, change.content])),
    isInTransaction: knexfile?.config.migrations?.disableTransactions !== true,
  });
  const changes = (await isThere(root, release, add))
    ? []
    : [...shims.map(({ change }) => change), await changeManifest(root, { release, add, cut: true })];
  return { changes, release, migrations, settings: settingsOf(knexfile, request) };
}

/**
 * Whether the same was taken over before, so that it is only tried once more.
 * @throws PH1028 for what has come or changed since, PH1011 for a manifest that somebody has begun.
 */
async function isThere(root: string, release: Release, entries: readonly ManifestEntry[]): Promise<boolean> {
  const file = manifestPath(release);
  if (!existsSync(join(root, file))) return false;
  const known = new Map(
    parseManifest(file, await readFile(join(root, file), 'utf8')).migrations.map(({ id, sha256 }) => [id, sha256]),
  );
  const come = entries.filter(({ id }) => !known.has(id));
  if (known.size === 0) throw new PhaseError('PH1011', { files: [file] });
  const own = new Map(entries.map(({ id, sha256 }) => [id, sha256]));
  const changed = [...known].filter(([id, sha256]) => own.get(id) !== sha256).map(([id]) => id);
  if (changed.length > 0) {
    throw new PhaseError('PH1028', {
      reason: `They were taken over before, and these have been edited, renamed or deleted since: ${changed.join(', ')}.`,
      remedy: `Bring them back from version control. Where phase has run in no database yet, delete ${file} and take over anew.`,
    });
  }
  if (come.length === 0) return true;
  throw new PhaseError('PH1028', {
    reason: `The others were taken over before; these have come since: ${come.map((entry) => entry.file ?? entry.id).join(', ')}.`,
    remedy: `Move them to ${migrationFolder('schema')} and run phase hash: they belong to the current release. Where phase has run in no database yet, delete ${file} and take over anew.`,
  });
}

const BASELINES = ['0.0.0-baseline', '0.0.0'].map(parseRelease);

/**
 * Below whatever the project calls its releases, so that the first new migration can belong to the current one; the same as before where it was taken over
 * before, whatever the project's version has become.
 */
function baselineRelease(root: string, current: Release | null): Release {
  const [below = '', usual = ''] = BASELINES;
  const there = BASELINES.find((release) => existsSync(join(root, manifestPath(release))));
  return there ?? (current === usual ? below : usual);
}

async function knexfileFor(source: ModuleSource, request: AdoptRequest): Promise<Knexfile | null> {
  const { knexfile, environment, directories } = request;
  // One that is only found, and not needed to find the migrations, may be that of another database.
  const file = knexfile ?? (directories.length > 0 ? null : await findKnexfile(source.root));
  return file === null ? null : loadKnexfile(source, file, { asked: environment });
}

function listed(root: string, knexfile: Knexfile | null, { directories }: AdoptRequest): Promise<KnexMigration[]> {
  const { directory, migrationSource, ...rest } = knexfile?.config.migrations ?? {};
  return directories.length > 0
    ? knexMigrations(root, root, { ...rest, directory: directories })
    : knexMigrations(root, join(root, dirname(knexfile?.file ?? '')), knexfile?.config.migrations ?? {});
}

function settingsOf(knexfile: Knexfile | null, { environment, table }: AdoptRequest): AdoptedSettings {
  const said = table ?? KNEX_TABLE;
  const isSaid = said === (knexfile === null ? KNEX_TABLE : knexTable(knexfile.config));
  return {
    knexfile: knexfile?.file ?? null,
    knexEnvironment: environment ?? null,
    knexMigrations: table === undefined || isSaid ? null : said,
  };
}

/** A statement that begins or ends a transaction: knex lets it end the one around it, and goes on. A block of plpgsql has no semicolon behind its BEGIN. */
const ENDS_TRANSACTION =
  /(?:^|['"`;])\s*(?:BEGIN|COMMIT|ROLLBACK|START\s+TRANSACTION)(?:\s+(?:WORK|TRANSACTION))?\s*(?:;|['"`]\s*\))/im;

interface EntryOptions {
  /** Texts of what is written for migrations without a file, by their ids. */
  readonly shims: ReadonlyMap<string, string>;
  readonly isInTransaction: boolean;
}

/** Where the order of knex is not that of the names, each one follows the one before it. */
async function entriesOf(
  root: string,
  migrations: readonly KnexMigration[],
  { shims, isInTransaction }: EntryOptions,
): Promise<ManifestEntry[]> {
  const isByName = migrations.every(({ id }, at) => at === 0 || (migrations[at - 1]?.id ?? '') < id);
  return Promise.all(
    migrations.map(async ({ id, file }, at): Promise<ManifestEntry> => {
      const before = isByName ? undefined : migrations[at - 1]?.id;
      const text = file === null ? (shims.get(id) ?? '') : await readFile(join(root, file), 'utf8');
      return {
        id,
        kind: 'schema',
        sha256: checksum(text),
        ...(before === undefined ? {} : { after: [before] }),
        ...(file === null || dirname(file) === migrationFolder('schema') ? {} : { file: toPosix(file) }),
        ...(isInTransaction && !ENDS_TRANSACTION.test(text) ? {} : { transaction: 'no' as const }),
      };
    }),
  );
}

const toPosix = (path: string): string => path.replaceAll('\\', '/');

/** What a source has made in code stays there: a file hands over to it by its name. */
function shimOf(
  knexfile: Knexfile | null,
  { id, name, inCode }: KnexMigration,
): { readonly id: string; readonly change: FileChange } {
  const path = join(migrationFolder('schema'), `${id}.mjs`);
  const file = toPosix(join('../..', knexfile?.file ?? ''));
  const environment = knexfile?.environment ?? null;
  const content = render('project/from-migration-source.mjs', { file, name, environment, ...inCode });
  return { id, change: { path, content, mode: 'create' } };
}
