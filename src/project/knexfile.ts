import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import type { AfterCreate, Builder } from '../postgres/own-session.ts';
import type { ModuleSource } from './modules.ts';

/** Where knex keeps what it has run, unless it is told otherwise. */
export const KNEX_TABLE = 'knex_migrations';

/** What is read of a configuration of knex. Source: https://knexjs.org/guide/#configuration-options */
export interface KnexConfig extends Builder {
  readonly client?: unknown;
  readonly connection?: unknown;
  readonly searchPath?: string | readonly string[];
  readonly pool?: { readonly afterCreate?: AfterCreate };
  readonly migrations?: KnexMigrations;
}

/** Source: https://knexjs.org/guide/migrations.html#migration-api */
export interface KnexMigrations {
  readonly directory?: string | readonly string[];
  readonly tableName?: string;
  readonly schemaName?: string;
  readonly sortDirsSeparately?: boolean;
  readonly loadExtensions?: readonly string[];
  readonly disableTransactions?: boolean;
  readonly disableMigrationsListValidation?: boolean;
  readonly migrationSource?: MigrationSource;
}

/** What knex asks for migrations. Source: https://knexjs.org/guide/migrations.html#custom-migration-sources */
export interface MigrationSource {
  getMigrations(loadExtensions: readonly string[]): Promise<unknown[]>;
  getMigrationName(migration: unknown): string;
  getMigration(migration: unknown): unknown;
}

/** A knexfile that was loaded. */
export interface Knexfile {
  /** Relative to the root. */
  readonly file: string;
  /** Null where the file has one configuration for all. */
  readonly environment: string | null;
  readonly config: KnexConfig;
}

/** Which environment of a knexfile is meant. */
export interface EnvironmentChoice {
  /** This one, and no other. */
  readonly asked?: string | undefined;
  /** Where NODE_ENV names none that is for PostgreSQL; else `development`, else the only one that is. */
  readonly usual?: string | undefined;
}

/**
 * Loads a knexfile as knex does: from its own folder, by which it may find other files.
 * @param file relative to the root.
 * @throws PH1033 when it cannot be loaded, or says nothing for PostgreSQL.
 */
export async function loadKnexfile(
  { root, load }: ModuleSource,
  file: string,
  environment: EnvironmentChoice,
): Promise<Knexfile> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new PhaseError('PH1033', { file, reason }, cause === undefined ? {} : { cause });
  };
  const path = join(root, file);
  if (!existsSync(path)) refuse('There is no such file.');
  const chosen = await fromFolder(dirname(path), async () => configOf(await load(path), environment)).catch((error) =>
    refuse(`It cannot be loaded: ${error instanceof Error ? error.message : String(error)}.`, error),
  );
  return typeof chosen === 'string' ? refuse(chosen) : { file, ...chosen };
}

/** The configuration that a module of a knexfile exports for an environment. @returns why there is none. */
export async function configOf(
  module: Record<string, unknown>,
  environment: EnvironmentChoice,
): Promise<Chosen | string> {
  // What was compiled may have its default export within one.
  const exported = module.default ?? module;
  const inner = (exported as { default?: unknown }).default ?? exported;
  const config = typeof inner === 'function' ? await inner() : inner;
  if (typeof config !== 'object' || config === null) return 'It exports no configuration.';
  return choose(config as Record<string, unknown>, environment);
}

let last: Promise<unknown> = Promise.resolve();

/** The process has one current folder: one after the other has it, and gives it back at once. */
function fromFolder<T>(folder: string, body: () => Promise<T>): Promise<T> {
  const turn = last.then(() => inFolder(folder, body));
  last = turn.catch(() => undefined);
  return turn;
}

/** A worker thread has to do without. */
async function inFolder<T>(folder: string, body: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  try {
    process.chdir(folder);
  } catch {
    return body();
  }
  try {
    return await body();
  } finally {
    process.chdir(before);
  }
}

type Chosen = Pick<Knexfile, 'environment' | 'config'>;

/** @returns why there is none. */
function choose(all: Record<string, unknown>, { asked, usual }: EnvironmentChoice): Chosen | string {
  const isOne = 'client' in all || 'connection' in all || 'migrations' in all;
  if (isOne && (asked === undefined || !isConfig(all[asked]))) {
    return isForPostgres(all) ? { environment: null, config: all } : notForPostgres('It', all);
  }
  const environments = new Map(
    Object.entries(all).filter((entry): entry is [string, KnexConfig] => isConfig(entry[1])),
  );
  const names = [...environments.keys()].join(', ') || 'none';
  const missing = [asked, usual].find((name) => name !== undefined && !environments.has(name));
  if (missing !== undefined) return `It has no environment ${missing}, but ${names}.`;
  const fit = [...environments].filter(([, config]) => isForPostgres(config));
  if (fit.length === 0) return `None of its environments is for PostgreSQL: ${names}.`;
  const wanted = asked === undefined ? [process.env.NODE_ENV, usual, 'development'] : [asked];
  const [found] = wanted.flatMap((name) => fit.filter(([one]) => one === name));
  const [only] = fit;
  const chosen = found ?? (fit.length === 1 && asked === undefined ? only : undefined);
  if (chosen !== undefined) return { environment: chosen[0], config: chosen[1] };
  return asked === undefined
    ? `It is not known which environment is meant: ${fit.map(([name]) => name).join(', ')} are for PostgreSQL.`
    : notForPostgres(`Its environment ${asked}`, environments.get(asked) ?? {});
}

const isConfig = (value: unknown): value is KnexConfig => typeof value === 'object' && value !== null;

/** Clients of one's own are a class: they are taken at their word. */
const isForPostgres = ({ client }: KnexConfig): boolean =>
  typeof client !== 'string' || /^(pg|postgres|postgresql|pgnative|pg-native)$/.test(client);

const notForPostgres = (what: string, { client }: KnexConfig): string =>
  `${what} is for ${String(client)}, and not for PostgreSQL.`;

/** Where knex keeps what it has run, as SQL names it. */
export function knexTable({ migrations: { tableName = KNEX_TABLE, schemaName } = {} }: KnexConfig): string {
  const name = plainly(tableName);
  return schemaName === undefined || schemaName === null ? name : `${plainly(schemaName)}.${name}`;
}

const plainly = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdent(name));

/** A list, or a text with commas between schemas; an empty one, as of a variable that is not set, says nothing. */
export function searchPathOf(given: string | readonly string[] | undefined): readonly string[] | null {
  const schemas = (typeof given === 'string' ? given.split(',') : [...(given ?? [])])
    .map((schema) => schema.trim().replaceAll(/^(['"])(.*)\1$/g, '$2'))
    .filter((schema) => schema !== '');
  return schemas.length === 0 ? null : schemas;
}

/** How names are written and results given: without it migrations would make other names than they did. */
export function builderOf({ wrapIdentifier, postProcessResponse, userParams }: KnexConfig): Builder {
  return {
    ...(wrapIdentifier === undefined ? {} : { wrapIdentifier }),
    ...(postProcessResponse === undefined ? {} : { postProcessResponse }),
    ...(userParams === undefined ? {} : { userParams }),
  };
}

/** What pg connects with. */
type Connection = string | pg.ClientConfig | undefined;

/** As the file says it; undefined where it leaves that to others, as an unset variable of the environment does. A function stays one: tokens expire. */
export function connectionOf({ connection }: KnexConfig): Connection | (() => Promise<Connection>) {
  return typeof connection === 'function' ? async () => said(await connection()) : said(connection);
}

function said(given: unknown): Connection {
  if (typeof given === 'string') return given || undefined;
  if (typeof given !== 'object' || given === null) return undefined;
  const { connectionString, host, database, user } = given as pg.ClientConfig;
  return connectionString || host || database || user ? given : undefined;
}
