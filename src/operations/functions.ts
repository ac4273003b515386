import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteLiteral, shortHash } from '../domain/identifier.ts';
import { codeOf, sqlState } from '../postgres/errors.ts';
import { runAsGiven } from '../postgres/knex.ts';
import { readVersion } from '../project/versions.ts';
import { contextOf } from './context.ts';
import { atomically, execute, runSql } from './execute.ts';

export interface VersionOptions {
  /** Which file: `db/functions/NAME_vNN.sql`. */
  readonly version: number;
  /** The version that `revert` goes back to. */
  readonly revertToVersion?: number;
}

export interface DropFunctionOptions {
  /** Where it is, when not found by its name alone. */
  readonly schema?: string;
  /** Its argument types, such as `integer, text`, when the name alone fits several. */
  readonly signature?: string;
  /** The version that `revert` creates again. */
  readonly revertToVersion?: number;
}

/** Creates a function from `db/functions/NAME_vNN.sql`. @throws PH1017 when there is no such file. */
export async function createFunction(knex: Knex, name: string, { version }: VersionOptions): Promise<void> {
  await runAsGiven(knex, await readVersion(contextOf(knex).root, 'function', name, version));
}

/** Undoes `createFunction`. */
createFunction.revert = async (knex: Knex, name: string, _options: VersionOptions): Promise<void> => {
  await dropFunction(knex, name, {});
};

/**
 * Brings a function to another version. Where its arguments and result stay, it is replaced in place and what depends
 * on it is kept; otherwise the earlier one is dropped, which PostgreSQL refuses while something depends on it.
 */
export async function updateFunction(knex: Knex, name: string, { version }: VersionOptions): Promise<void> {
  const sql = await readVersion(contextOf(knex).root, 'function', name, version);
  await atomically(knex, async (trx) => {
    const before = await signaturesOf(trx, name);
    const definers = await ownDefiners(trx);
    const savepoint = quoteIdent(`update_${shortHash(name)}`);
    await runAsGiven(trx, `SAVEPOINT ${savepoint}`);
    try {
      await runAsGiven(trx, sql);
    } catch (error) {
      if (codeOf(error) !== sqlState.invalidFunctionDefinition) throw error;
      // The result or the names of arguments changed, which CREATE OR REPLACE cannot do.
      await runAsGiven(trx, `ROLLBACK TO SAVEPOINT ${savepoint}`);
      await dropAll(trx, before);
      await runAsGiven(trx, sql);
      await ensureNoNewDefiner(trx, name, definers);
      return;
    }
    await ensureNoNewDefiner(trx, name, definers);
    const isOverload = (await signaturesOf(trx, name)).length > before.length;
    if (isOverload) await dropAll(trx, before);
  });
}

/** Undoes `updateFunction`: brings it to `revertToVersion`. */
updateFunction.revert = async (knex: Knex, name: string, options: Required<VersionOptions>): Promise<void> => {
  await updateFunction(knex, name, { version: options.revertToVersion });
};

/** Drops a function; PostgreSQL refuses while something depends on it. */
export async function dropFunction(
  knex: Knex,
  name: string,
  { schema, signature }: DropFunctionOptions = {},
): Promise<void> {
  const qualified = schema === undefined ? quoteIdent(name) : `${quoteIdent(schema)}.${quoteIdent(name)}`;
  await runAsGiven(knex, `DROP FUNCTION IF EXISTS ${qualified}${signature === undefined ? '' : `(${signature})`}`);
}

/** Undoes `dropFunction`: creates `revertToVersion`. */
dropFunction.revert = async (
  knex: Knex,
  name: string,
  options: DropFunctionOptions & { revertToVersion: number },
): Promise<void> => {
  await createFunction(knex, name, { version: options.revertToVersion });
};

/** Functions that run with the rights of the role that migrates. */
async function ownDefiners(knex: Knex): Promise<Set<string>> {
  const rows = await runSql<{ signature: string }>(
    knex,
    `SELECT p.oid::regprocedure::text AS signature FROM pg_proc p WHERE p.prosecdef AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)`,
  );
  return new Set(rows.map(({ signature }) => signature));
}

/**
 * A copy of somebody's function that is not there any more would be made as ours, and run for anybody with our rights.
 * @throws PH2021
 */
async function ensureNoNewDefiner(knex: Knex, name: string, before: ReadonlySet<string>): Promise<void> {
  const { isScaffolded = false, dryRun } = contextOf(knex);
  if (!isScaffolded || dryRun) return;
  const nameOf = (signature: string): string => signature.slice(0, signature.lastIndexOf('('));
  const names = new Set([...before].map(nameOf));
  const made = [...(await ownDefiners(knex))].filter((signature) => !names.has(nameOf(signature)));
  if (made.length > 0) throw new PhaseError('PH2021', { name, functions: made });
}

async function signaturesOf(knex: Knex, name: string): Promise<string[]> {
  const rows = await runSql<{ signature: string }>(
    knex,
    `SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS signature
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.proname = ${quoteLiteral(name)} AND n.nspname NOT IN ('pg_catalog', 'information_schema')`,
  );
  return rows.map(({ signature }) => signature);
}

async function dropAll(knex: Knex, signatures: readonly string[]): Promise<void> {
  for (const signature of signatures) await execute(knex, `DROP FUNCTION ${signature}`);
}
