import type { Knex } from 'knex';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { Rename } from '../domain/rename.ts';
import { contextOf } from './context.ts';
import { atomically, execute, isTransaction, runSql } from './execute.ts';
import { ensureWithinRewriteLimit } from './rewrite-limit.ts';
import { withTriggersAside } from './triggers.ts';

/** A column, by either name while it is being renamed. */
export interface AlteredColumn {
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly column: string;
}

/** Gives a column a default. While it is being renamed both of its columns get it, or the one that has authority. */
export async function setDefault(
  knex: Knex,
  { on, column, expression }: AlteredColumn & { readonly expression: string },
): Promise<void> {
  await alterBoth(knex, { on, column }, `SET DEFAULT ${expression}`);
}

/** Takes a column's default away; while it is being renamed that of both. */
export async function dropDefault(knex: Knex, column: AlteredColumn): Promise<void> {
  await alterBoth(knex, column, 'DROP DEFAULT');
}

/** Lets a column be NULL; while it is being renamed both. */
export async function dropNotNull(knex: Knex, column: AlteredColumn): Promise<void> {
  await alterBoth(knex, column, 'DROP NOT NULL');
}

/**
 * Gives a column another type, such as a longer varchar; while it is being renamed both of its columns. Triggers that name
 * them, for which PostgreSQL would refuse it, are made again from their own text.
 * @throws PH2013 when PostgreSQL has to rewrite the table and it is larger than `rewriteLimit`.
 */
export async function alterType(
  knex: Knex,
  { on, column, type, using }: AlteredColumn & { readonly type: string; readonly using?: string },
): Promise<void> {
  const columns = await columnsOf(knex, { on, column });
  await changeTypes(knex, on, columns, `${type}${using === undefined ? '' : ` USING ${using}`}`);
}

/** @param type as in ALTER COLUMN TYPE. */
export async function changeTypes(knex: Knex, on: string, columns: readonly string[], type: string): Promise<void> {
  const actions = columns.map((column) => `ALTER COLUMN ${quoteIdent(column)} TYPE ${type}`).join(', ');
  await followed(knex, async (trx) => {
    await execute(trx, `LOCK TABLE ${on} IN ACCESS EXCLUSIVE MODE`);
    if (await rewrites(trx, on, actions)) await ensureWithinRewriteLimit(trx, on);
    await withTriggersAside(trx, on, columns, () => execute(trx, `ALTER TABLE ${on} ${actions}`));
  });
}

/** Whether PostgreSQL writes the rows anew: asked on an empty copy of the table's structure. */
async function rewrites(trx: Knex, on: string, actions: string): Promise<boolean> {
  if (contextOf(trx).dryRun) return false;
  const file = async (): Promise<string> => {
    const [row] = await runSql<{ file: string }>(
      trx,
      `SELECT pg_relation_filenode('pg_temp.triphase_probe')::text AS file`,
    );
    return row?.file ?? '';
  };
  await execute(trx, `CREATE TEMPORARY TABLE triphase_probe (LIKE ${on})`);
  const before = await file();
  await execute(trx, `ALTER TABLE pg_temp.triphase_probe ${actions}`);
  const after = await file();
  await execute(trx, 'DROP TABLE pg_temp.triphase_probe');
  return before !== after;
}

async function alterBoth(knex: Knex, column: AlteredColumn, action: string): Promise<void> {
  const actions = (await columnsOf(knex, column)).map((name) => `ALTER COLUMN ${quoteIdent(name)} ${action}`);
  await followed(knex, (trx) => execute(trx, `ALTER TABLE ${column.on} ${actions.join(', ')}`));
}

/** In a migration without a transaction the sync has to be written anew before a living release can write again; in one, that is done at its end. */
async function followed(knex: Knex, body: (trx: Knex) => Promise<void>): Promise<void> {
  if (isTransaction(knex)) return body(knex);
  await atomically(knex, async (trx) => {
    await body(trx);
    await contextOf(trx).follow?.(trx);
  });
}

/** The column itself, and its counterpart while a rename that concerns it is under way. */
async function columnsOf(knex: Knex, { on, column }: AlteredColumn): Promise<string[]> {
  const concerned = [...contextOf(knex).renames.values()].filter(
    ({ table, from, to }) => quoteQualified(table) === on && (from === column || to === column),
  );
  for (const rename of concerned) if (await isUnderWay(knex, on, rename)) return [rename.from, rename.to];
  return [column];
}

async function isUnderWay(knex: Knex, on: string, { from, to, sync }: Rename): Promise<boolean> {
  const [row] = await runSql<{ columns: number; synced: boolean }>(
    knex,
    `SELECT count(*)::int AS columns, EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = ANY ($3::text[]))
       OR cardinality($3::text[]) = 0 AND count(*) FILTER (WHERE attgenerated <> '') = 2 AS synced
     FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = ANY ($2) AND NOT attisdropped`,
    [on, [from, to], sync.triggers],
  );
  return row?.columns === 2 && row.synced;
}
