import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteLiteral, shortHash } from '../domain/identifier.ts';
import { codeOf, sqlState } from '../postgres/errors.ts';
import { runAsGiven } from '../postgres/knex.ts';
import { readVersion } from '../project/versions.ts';
import { contextOf } from './context.ts';
import { atomically, runAll, runSql } from './execute.ts';

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
 * on it is kept; otherwise the earlier one is dropped, which PostgreSQL refuses while something depends on it. Functions of the same
 * name in other schemas, and overloads that no version has made, stay.
 */
export async function updateFunction(knex: Knex, name: string, { version }: VersionOptions): Promise<void> {
  await bring(knex, name, { from: version - 1, to: version });
}

/** Undoes `updateFunction`: brings it to `revertToVersion`. */
updateFunction.revert = async (knex: Knex, name: string, options: Required<VersionOptions>): Promise<void> => {
  await bring(knex, name, { from: options.version, to: options.revertToVersion });
};

async function bring(knex: Knex, name: string, { from, to }: { from: number; to: number }): Promise<void> {
  const sql = await readVersion(contextOf(knex).root, 'function', name, to);
  await atomically(knex, async (trx) => {
    const before = await functionsCalled(trx, name);
    const definers = await ownDefiners(trx);
    try {
      await inPart(trx, name, () => runAsGiven(trx, sql));
    } catch (error) {
      if (codeOf(error) !== sqlState.invalidFunctionDefinition) throw error;
      // The result or the names of arguments changed, which CREATE OR REPLACE cannot do.
      await dropAll(trx, await earlierOf(trx, name, { from, among: before }));
      await runAsGiven(trx, sql);
      await ensureNoNewDefiner(trx, name, definers);
      return;
    }
    await ensureNoNewDefiner(trx, name, definers);
    const known = new Set(before.map(({ oid }) => oid));
    const made = (await functionsCalled(trx, name)).filter(({ oid }) => !known.has(oid));
    const beside = before.filter(({ schema }) => made.some((one) => one.schema === schema));
    if (made.length > 0) await dropAll(trx, await earlierOf(trx, name, { from, among: beside }));
  });
}

/** Which of several functions the earlier version is: the one that its file makes, or the only one. */
async function earlierOf(
  trx: Knex.Transaction,
  name: string,
  { from, among }: { readonly from: number; readonly among: readonly FunctionRow[] },
): Promise<readonly FunctionRow[]> {
  if (among.length < 2) return among;
  const sql = await readVersion(contextOf(trx).root, 'function', name, from).catch(() => null);
  if (sql === null) return [];
  const remade: string[] = [];
  await inPart(trx, name, async (undo) => {
    // What has its result by now is not made again by it.
    await runAsGiven(trx, sql).catch(() => undefined);
    const rows = await functionsCalled(trx, name).catch(() => []);
    remade.push(...rows.map(({ oid, row }) => `${oid} ${row}`));
    await undo();
  });
  return among.filter(({ oid, row }) => remade.length > 0 && !remade.includes(`${oid} ${row}`));
}

/** In a savepoint, which an error takes back, and `undo` does without one. */
async function inPart(
  trx: Knex.Transaction,
  name: string,
  body: (undo: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const savepoint = quoteIdent(`update_${shortHash(name)}`);
  const undo = (): Promise<void> => runAsGiven(trx, `ROLLBACK TO SAVEPOINT ${savepoint}`);
  await runAsGiven(trx, `SAVEPOINT ${savepoint}`);
  try {
    await body(undo);
  } catch (error) {
    await undo();
    throw error;
  }
}

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

interface FunctionRow {
  readonly oid: string;
  /** Changes with each time that it is made again. */
  readonly row: string;
  readonly schema: string;
  /** As in SQL. */
  readonly signature: string;
}

function functionsCalled(knex: Knex, name: string): Promise<FunctionRow[]> {
  return runSql<FunctionRow>(
    knex,
    `SELECT p.oid::text AS oid, p.xmin::text || ' ' || p.ctid::text AS row, n.nspname AS schema,
       quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS signature
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.proname = ${quoteLiteral(name)} AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY p.oid`,
  );
}

async function dropAll(knex: Knex, functions: readonly FunctionRow[]): Promise<void> {
  await runAll(
    knex,
    functions.map(({ signature }) => `DROP FUNCTION ${signature}`),
  );
}
