import { FORMER_TABLES, type FormerLedger } from '../domain/former-ledger.ts';
import type { Database } from '../postgres/connection.ts';
import type { OwnSession } from '../postgres/own-session.ts';
import type { Project } from './config.ts';
import { urlOfEnvironment } from './environments.ts';
import { builderOf, connectionOf, knexTable, searchPathOf } from './knexfile.ts';

/**
 * The database of a project: by the URL that was given, the environment's that was named, the configuration's, DATABASE_URL, or what the knexfile says; without any of them the PG* variables
 * apply.
 * @throws PH1033 for a knexfile that cannot be used.
 */
export async function databaseOf(
  project: Project,
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Database> {
  // A variable that is set to nothing, as an unset secret is, gives no URL.
  const url = given ?? urlOfEnvironment(project, env) ?? project.config.databaseUrl ?? (env.DATABASE_URL || undefined);
  const knexfile = await project.knexfile();
  const connection = url ?? (knexfile === null ? undefined : connectionOf(knexfile.config));
  return { connection, ledgerSchema: project.config.ledgerSchema, own: await ownSessionOf(project) };
}

/** A database of a shadow server, whose sessions are like those of the project's own. */
export async function shadowDatabaseOf(project: Project, url: string): Promise<Database> {
  return { connection: url, ledgerSchema: project.config.ledgerSchema, own: await ownSessionOf(project) };
}

/** What the configuration says goes before what the knexfile says. */
export async function ownSessionOf({ config, knexfile }: Project): Promise<OwnSession> {
  const knex = (await knexfile())?.config;
  return {
    searchPath: searchPathOf(config.searchPath ?? [knex?.searchPath ?? []].flat()),
    role: config.role ?? null,
    afterCreate: knex?.pool?.afterCreate ?? null,
    builder: builderOf(knex ?? {}),
  };
}

/** Where the tool that migrated the project before keeps what it has run: knex, unless the configuration names another one. */
export async function formerLedgerOf({ config, knexfile }: Project): Promise<FormerLedger> {
  if (config.formerLedger !== undefined) {
    const { tool, table = FORMER_TABLES[tool] } = config.formerLedger;
    return { tool, table };
  }
  return { tool: 'knex', table: config.knexMigrations ?? knexTable((await knexfile())?.config ?? {}) };
}
