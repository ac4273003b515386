import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { idOfKnexName } from '../../domain/knex-name.ts';
import { reasonOf } from '../../postgres/errors.ts';
import { filesBelow } from '../../project/files-below.ts';
import type { KnexMigrations, MigrationSource } from '../../project/knexfile.ts';
import type { SourceMigration } from '../../project/migration-source.ts';

const require = createRequire(import.meta.url);

/** A migration as knex lists it. */
export interface KnexMigration {
  readonly id: string;
  /** As it stands in the table of knex. */
  readonly name: string;
  /** Relative to the root; null for one that a source of one's own has made in code. */
  readonly file: string | null;
  /** Of one without a file: how it wants to be run. */
  readonly inCode: { readonly transaction: boolean; readonly hasDown: boolean } | null;
}

/** What phase loads. */
const LOADABLE = /\.(?:[cm]?[jt]s)$/;
const ENDINGS = ['.js', '.ts', '.cjs', '.mjs', '.cts', '.mts'];

/**
 * The migrations of a project, in the order in which knex runs them: asked of knex itself.
 * @param folder from which the configuration names its folders.
 * @throws PH1028 when there are none, when two would be one, or when they are in a language that is not loaded here.
 */
export async function knexMigrations(
  root: string,
  folder: string,
  migrations: KnexMigrations,
): Promise<KnexMigration[]> {
  const directories = [migrations.directory ?? './migrations'].flat();
  const absolute = directories.map((directory) => (isAbsolute(directory) ? directory : join(folder, directory)));
  const { source, loadExtensions } = sourceOf(
    hasOwnSource(migrations) ? migrations : { ...migrations, directory: absolute },
  );
  const where = directories.map((_, at) => relative(root, absolute[at] ?? '') || '.').join(', ');
  const listed = await source.getMigrations(loadExtensions).catch((error) => {
    throw refusal(`They cannot be listed: ${reasonOf(error)}.`, WHERE, error);
  });
  const named = listed.map((migration) => ({ migration, name: source.getMigrationName(migration) }));
  const below = once(() => filesBelow(folder));
  const found = await Promise.all(
    named
      .filter(({ name }) => !/\.d\.[cm]?ts$/.test(name))
      .map(async ({ migration, name }): Promise<KnexMigration> => {
        const file = await fileOf({ root, folder, below }, migration, name);
        const inCode = file === null ? factsOf((await source.getMigration(migration)) as SourceMigration) : null;
        return { id: idOfKnexName(name), name, file, inCode };
      }),
  );
  if (found.length === 0) throw refusal(`${where} holds no migrations.`, WHERE);
  const foreign = found.filter(({ file }) => file !== null && !LOADABLE.test(file));
  if (foreign.length > 0) {
    throw refusal(
      `These are neither JavaScript nor TypeScript: ${foreign.map(({ name }) => name).join(', ')}.`,
      'Compile them, and name the folder that they are compiled to: --directory FOLDER.',
    );
  }
  return onceEach(found);
}

const WHERE =
  'Say where they are: migrations.directory in the knexfile, --knexfile FILE for another one, or --directory FOLDER where they are named in code.';

const refusal = (reason: string, remedy: string, cause?: unknown): PhaseError =>
  new PhaseError('PH1028', { reason, remedy }, cause === undefined ? {} : { cause });

/** What says anything of files goes before it in knex. */
const hasOwnSource = (migrations: KnexMigrations): boolean =>
  migrations.migrationSource !== undefined &&
  migrations.directory === undefined &&
  migrations.sortDirsSeparately === undefined &&
  migrations.loadExtensions === undefined;

/** As the migrator of knex has it, with its defaults. */
function sourceOf(migrations: KnexMigrations): { source: MigrationSource; loadExtensions: readonly string[] } {
  const { knex } = require('knex') as typeof import('knex');
  const { config } = knex({ client: 'pg', migrations: migrations as object }).migrate as unknown as {
    config: { migrationSource: MigrationSource; loadExtensions: readonly string[] };
  };
  return { source: config.migrationSource, loadExtensions: config.loadExtensions };
}

const factsOf = ({ config, down }: SourceMigration): KnexMigration['inCode'] => ({
  transaction: config?.transaction !== false,
  hasDown: down !== undefined,
});

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

interface Searched {
  readonly root: string;
  readonly folder: string;
  /** All files in it. */
  below(): Promise<string[]>;
}

/** That of knex says it, and those like it do so with the ending or without; for others it is the only file of that name. */
async function fileOf({ root, folder, below }: Searched, migration: unknown, name: string): Promise<string | null> {
  const { directory, file } = (migration ?? {}) as { directory?: unknown; file?: unknown };
  if (typeof directory === 'string' && typeof file === 'string') {
    const candidates = [file, name, ...ENDINGS.map((ending) => `${file}${ending}`)].map((one) => join(directory, one));
    const found = candidates.find((path) => existsSync(path));
    if (found !== undefined) return relative(root, found);
  }
  const called = basename(name);
  const found = (await below()).filter(
    (path) => basename(path) === called || basename(path).replace(LOADABLE, '') === called,
  );
  return found.length === 1 ? relative(root, join(folder, found[0] ?? '')) : null;
}

/** What was compiled beside its source is one migration: the source. */
function onceEach(found: readonly KnexMigration[]): KnexMigration[] {
  const byId = new Map<string, KnexMigration>();
  for (const migration of found) {
    const other = byId.get(migration.id);
    if (other === undefined || isCompiledFrom(other, migration)) byId.set(migration.id, migration);
    else if (!isCompiledFrom(migration, other)) {
      throw refusal(
        `${other.file ?? other.name} and ${migration.file ?? migration.name} would be one migration.`,
        'Where one was compiled from the other, let loadExtensions in the knexfile name the ending of one of them. Otherwise give one another name, the file and its row in the table of knex alike.',
      );
    }
  }
  return [...byId.values()];
}

const isCompiledFrom = ({ file: made }: KnexMigration, { file: source }: KnexMigration): boolean =>
  made !== null &&
  source !== null &&
  dirname(made) === dirname(source) &&
  /\.[cm]?js$/.test(made) &&
  /\.[cm]?ts$/.test(source);
