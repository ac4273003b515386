import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { compareReleases, type Release } from '../domain/release.ts';
import { orderMigrations } from '../planner/order.ts';
import { type Database, plainDatabase, withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import { openKnex } from '../postgres/knex.ts';
import { all } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import { withoutBom } from '../project/checksum.ts';
import type { Project } from '../project/config.ts';
import { formerLedgerOf, shadowDatabaseOf } from '../project/database.ts';
import { folders } from '../project/folders.ts';
import { fileInGit } from '../project/git.ts';
import { ensureFilesIntact, type History } from '../project/history.ts';
import { baseOf } from '../replay/replay.ts';
import { withShadowServer } from '../replay/server.ts';
import type { ShadowServer } from '../replay/shadow.ts';
import { readSchema, type Schema } from '../schema/facts.ts';
import { loadDump } from '../schema/load.ts';
import type { Source } from './source.ts';

/** What sources are opened with. */
export interface Surroundings {
  readonly project: Project;
  readonly history: History;
  /** What `database` stands for. */
  readonly database: Database;
  /** Of a server for databases that nobody keeps; undefined for an embedded one. */
  readonly shadow: string | undefined;
  /** Migrations up to it; undefined: all of them. */
  readonly release: Release | undefined;
}

/** An opened source. */
export interface Place {
  readonly database: Database;
  /** Whether it is a database that nobody keeps, and anything can be done to it. */
  readonly isOurs: boolean;
}

/** Opens a source for as long as the body runs. @throws PH1036 for one that cannot be had, and what its database or its migrations throw. */
export function withSource<T>(
  surroundings: Surroundings,
  source: Source,
  body: (place: Place) => Promise<T>,
): Promise<T> {
  const { project, database } = surroundings;
  switch (source.kind) {
    case 'url':
      return body({ database: { ...database, connection: source.url }, isOurs: false });
    case 'database':
      return body({ database, isOurs: false });
    case 'migrations':
      return withSteps(surroundings, stepsOf(surroundings), body);
    case 'file':
      return withText(surroundings, source.file, readText(resolve(project.root, source.file), source.file), body);
    case 'git': {
      return withText(surroundings, `git:${source.ref}`, textInGit(project.root, source.ref, folders.structure), body);
    }
    default:
      return withModule(surroundings, source.file, body);
  }
}

/** The migrations that a source means, in the order in which they run. */
export function stepsOf({ history, release }: Pick<Surroundings, 'history' | 'release'>): OrderedMigration[] {
  const listed = history.manifests.filter(
    (manifest) => release === undefined || compareReleases(manifest.release, release) <= 0,
  );
  return orderMigrations(listed);
}

/** Reads the schema of a source. @throws as `withSource` does. */
export function readSource(surroundings: Surroundings, source: Source): Promise<Schema> {
  return withSource(surroundings, source, ({ database }) => readPlace(surroundings.project, database));
}

/** Reads a schema as the project sees it: without what the former tool keeps of its own. */
export async function readPlace(project: Project, database: Database): Promise<Schema> {
  const { tool, table } = await formerLedgerOf(project);
  const names = tool === 'knex' ? [table, knexLockTable(table)] : [table];
  return readSchema(database, { leftOut: await qualified(database, names) });
}

/** Names of tables as the sessions of a database understand them, with their schemas. */
function qualified(database: Database, names: readonly string[]): Promise<string[]> {
  return withConnection({ ...database, applicationName: 'phase schema' }, async (db) => {
    const rows = await underOwnNames(db, () =>
      all<{ oid: string | null }>(
        db,
        'SELECT pg_catalog.to_regclass(name)::pg_catalog.oid::pg_catalog.text AS oid FROM pg_catalog.unnest($1::pg_catalog.text[]) AS name',
        [names],
      ),
    );
    const found = await all<{ name: string }>(
      db,
      'SELECT oid::regclass::text AS name FROM pg_class WHERE oid = ANY ($1::oid[])',
      [rows.flatMap(({ oid }) => oid ?? [])],
    );
    return found.map(({ name }) => name);
  });
}

/** knex calls it like its table. */
const knexLockTable = (table: string): string =>
  table.endsWith('"') ? `${table.slice(0, -1)}_lock"` : `${table}_lock`;

export function withShadow<T>(
  { project, shadow }: Surroundings,
  isBare: boolean,
  body: (server: ShadowServer) => Promise<T>,
): Promise<T> {
  return withShadowServer({ project, isBare, url: shadow }, body);
}

/** What some migrations give in an empty database. @throws what they throw. */
export async function withSteps<T>(
  surroundings: Surroundings,
  steps: readonly OrderedMigration[],
  body: (place: Place) => Promise<T>,
): Promise<T> {
  const { project, history } = surroundings;
  await ensureFilesIntact(history, history.manifests);
  const base = await baseOf({ project, history }, steps);
  return withShadow(surroundings, false, (server) =>
    server.withClone({ ...base, key: `all_${base.key}` }, async (url) =>
      body({ database: await shadowDatabaseOf(project, url), isOurs: true }),
    ),
  );
}

async function withText<T>(
  surroundings: Surroundings,
  file: string,
  text: Promise<string>,
  body: (place: Place) => Promise<T>,
): Promise<T> {
  const sql = await text;
  return withShadow(surroundings, true, (server) =>
    server.withDatabase(async (url) => {
      await loadDump(plainDatabase(url), { file, sql });
      return body({ database: plainDatabase(url), isOurs: true });
    }),
  );
}

async function readText(path: string, shown: string): Promise<string> {
  try {
    return withoutBom(await readFile(path, 'utf8'));
  } catch (error) {
    throw new PhaseError('PH1036', { source: shown, reason: reasonOf(error) }, { cause: error });
  }
}

async function textInGit(root: string, ref: string, file: string): Promise<string> {
  const text = fileInGit(root, ref, file);
  if (text !== null) return text;
  const reason = `git has no ${file} at ${ref}: the commit is not known here, or nobody had run phase dump before it.`;
  throw new PhaseError('PH1036', { source: `git:${ref}`, reason });
}

/** Models of an ORM, say. @param file its function `create` gets a knex on an empty database, and that database's URL. */
async function withModule<T>(surroundings: Surroundings, file: string, body: (place: Place) => Promise<T>): Promise<T> {
  const { project } = surroundings;
  const create = await loadCreate(project, file);
  return withShadow(surroundings, false, (server) =>
    server.withDatabase(async (url) => {
      const database = await shadowDatabaseOf(project, url);
      const knex = openKnex({ database, applicationName: 'phase module', lockTimeoutMs: 0 });
      try {
        await create(knex, { url });
      } catch (error) {
        throw new PhaseError(
          'PH1036',
          { source: `module:${file}`, reason: `Its create fails: ${reasonOf(error)}.` },
          { cause: error },
        );
      } finally {
        await knex.destroy();
      }
      return body({ database, isOurs: true });
    }),
  );
}

type Create = (knex: Knex, database: { readonly url: string }) => unknown;

async function loadCreate({ root, load }: Project, file: string): Promise<Create> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new PhaseError('PH1036', { source: `module:${file}`, reason }, { cause });
  };
  const path = /^\.{0,2}\//.test(file) ? resolve(root, file) : join(root, file);
  const module = await load(path).catch((error) => refuse(`It cannot be loaded: ${reasonOf(error)}.`, error));
  const exported = module as Record<string, unknown>;
  const create = exported.create ?? (exported.default as Record<string, unknown> | undefined)?.create;
  return typeof create === 'function' ? (create as Create) : refuse('It exports no function create(knex).');
}
