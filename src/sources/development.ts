import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { type Database, withConnection } from '../postgres/connection.ts';
import { EMBEDDED_VERSIONS } from '../postgres/embedded/binaries.ts';
import { embeddedUrl } from '../postgres/embedded/server.ts';
import { codeOf, reasonOf, sqlState } from '../postgres/errors.ts';
import { openKnex } from '../postgres/knex.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { withoutBom } from '../project/checksum.ts';
import type { Project } from '../project/config.ts';
import type { Environment } from '../project/environments.ts';
import { folders } from '../project/folders.ts';
import { loadDump } from '../schema/load.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** A database by its name, and one beside it, from which it can be created and dropped. */
export interface NamedDatabase {
  readonly name: string;
  readonly database: Database;
  readonly beside: Database;
}

/** @throws PH1015 where no name of a database is known. */
export async function namedDatabase(database: Database, variables: Variables): Promise<NamedDatabase> {
  const { connection } = database;
  const place = typeof connection === 'function' ? await connection() : connection;
  if (typeof place === 'string') {
    const url = new URL(place);
    const name = decodeURIComponent(url.pathname.slice(1));
    url.pathname = '/postgres';
    return named(name, database, { ...database, connection: url.href });
  }
  const name = place?.database ?? variables.PGDATABASE ?? place?.user ?? variables.PGUSER ?? '';
  return named(name, database, { ...database, connection: { ...place, database: 'postgres' } });
}

function named(name: string, database: Database, beside: Database): NamedDatabase {
  if (name === '')
    throw new PhaseError('PH1015', {
      what: 'The URL of the database',
      value: '',
      allowed: 'one that names a database',
    });
  return { name, database, beside };
}

/**
 * Whether anything may be done to a database: the configuration says that it is for development, or it is on the project's own embedded server.
 * @param what the command, for the message. @throws PH2026
 */
export async function ensureDisposable(
  { root }: Project,
  { name, beside }: NamedDatabase,
  environment: Environment | null,
  what: string,
): Promise<void> {
  if (environment?.development) return;
  const own =
    environment === null && typeof beside.connection === 'string' && (await isEmbedded(root, beside.connection));
  if (!own)
    throw new PhaseError('PH2026', { what, database: environment === null ? name : `${name} (${environment.name})` });
}

async function isEmbedded(root: string, url: string): Promise<boolean> {
  const { host } = new URL(url);
  for (const version of EMBEDDED_VERSIONS) {
    const running = await embeddedUrl({ version, project: root });
    if (running !== null && new URL(running).host === host) return true;
  }
  return false;
}

/** @returns false where it was there. */
export async function createDatabase({ name, beside }: NamedDatabase): Promise<boolean> {
  return withConnection({ ...beside, applicationName: 'phase db' }, async (db) => {
    try {
      await db.query(`CREATE DATABASE ${quoteIdent(name)}`);
      return true;
    } catch (error) {
      if (codeOf(error) === sqlState.duplicateDatabase) return false;
      throw error;
    }
  });
}

/** @returns false where it was not there. */
export async function dropDatabase({ name, beside }: NamedDatabase): Promise<boolean> {
  return withConnection({ ...beside, applicationName: 'phase db' }, async (db) => {
    const found = await all(db, 'SELECT FROM pg_catalog.pg_database WHERE datname = $1', [name]);
    await db.query(`DROP DATABASE IF EXISTS ${quoteIdent(name)} WITH (FORCE)`);
    return found.length > 0;
  });
}

/** Loads a script that has a schema and its ledger. @throws PH2028 for a database that has tables, PH1030, PH1036. */
export async function loadStructure(project: Project, { name, database }: NamedDatabase, file: string): Promise<void> {
  const path = join(project.root, file);
  const sql = await readFile(path, 'utf8').catch((error) => {
    throw new PhaseError('PH1036', { source: file, reason: reasonOf(error) }, { cause: error });
  });
  await ensureEmpty(database, name);
  await loadDump(database, { file, sql: withoutBom(sql) });
}

/** @throws PH2028 */
export async function ensureEmpty(database: Database, name: string): Promise<void> {
  const tables = await withConnection({ ...database, applicationName: 'phase db' }, (db) => countTables(db));
  if (tables > 0) throw new PhaseError('PH2028', { database: name, tables });
}

async function countTables(db: Queryable): Promise<number> {
  const { count } = await one<{ count: number }>(
    db,
    `SELECT count(*)::pg_catalog.int4 AS count FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')`,
  );
  return count;
}

/** Runs db/seeds in the order of the names, each file in a transaction of its own. @returns their paths. @throws PH5032 */
export async function seed(project: Project, { database }: NamedDatabase): Promise<string[]> {
  const entries = await readdir(join(project.root, folders.seeds)).catch(() => []);
  const files = entries.filter((name) => /\.(sql|[mc]?[jt]s)$/.test(name) && !/\.d\.[mc]?ts$/.test(name)).sort();
  const knex = openKnex({ database, applicationName: 'phase seed', lockTimeoutMs: 0 });
  try {
    for (const name of files) {
      const file = join(folders.seeds, name);
      try {
        const run = await loadSeed(project, file);
        await knex.transaction(async (transaction) => void (await run(transaction)));
      } catch (error) {
        throw new PhaseError('PH5032', { file, reason: reasonOf(error) }, { cause: error });
      }
    }
  } finally {
    await knex.destroy();
  }
  return files.map((name) => join(folders.seeds, name));
}

type Seed = (knex: import('knex').Knex.Transaction) => unknown;

/** A script, or a module whose `seed`, as of knex, or default function makes rows. */
async function loadSeed({ root, load }: Project, file: string): Promise<Seed> {
  if (file.endsWith('.sql')) {
    const sql = withoutBom(await readFile(join(root, file), 'utf8'));
    return (knex) => knex.raw(sql.replaceAll('?', '\\?'));
  }
  const module = (await load(join(root, file))) as Record<string, unknown>;
  const inner = module.default as Record<string, unknown> | undefined;
  const found = module.seed ?? inner?.seed ?? inner;
  if (typeof found !== 'function') throw new Error('It exports no function seed(knex)');
  return found as Seed;
}
