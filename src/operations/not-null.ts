import type { Knex } from 'knex';
import { treeOf } from '../catalog/tree.ts';
import { deriveName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { sqlQualified } from '../postgres/names.ts';
import { addConstraint } from './constraints.ts';
import { contextOf } from './context.ts';
import { atomically, execute, runAll, runSql } from './execute.ts';

export interface NotNullOptions {
  readonly on: string;
  readonly column: string;
  /** False: rows that are there already may be NULL (NOT VALID, PostgreSQL 18). */
  readonly validate?: boolean;
  /** The constraint's name, where PostgreSQL keeps one (18). */
  readonly name?: string;
  /** Only as long as this column of the table is NOT NULL, too. */
  readonly like?: string;
}

/**
 * Makes a column NOT NULL without reading the table under an exclusive lock: a validated check proves it, and goes again.
 * Source: https://www.postgresql.org/docs/current/sql-altertable.html (SET NOT NULL)
 */
export async function setNotNull(knex: Knex, options: NotNullOptions): Promise<void> {
  const { on, column, name, like } = options;
  if (like !== undefined && !(await isNotNull(knex, on, like)) && !contextOf(knex).dryRun) return;
  if (!(await isNotNull(knex, on, column))) await makeNotNull(knex, options);
  const current = name === undefined ? null : await notNullName(knex, on, column);
  if (name === undefined || current === null || current === name) return;
  await execute(knex, `ALTER TABLE ${on} RENAME CONSTRAINT ${quoteIdent(current)} TO ${quoteIdent(name)}`);
}

async function makeNotNull(knex: Knex, { on, column, validate = true }: NotNullOptions): Promise<void> {
  if (!validate) {
    const name = deriveName(column, '_not_null_new');
    await execute(
      knex,
      `ALTER TABLE ${on} ADD CONSTRAINT ${quoteIdent(name)} NOT NULL ${quoteIdent(column)} NOT VALID`,
    );
    return;
  }
  const name = deriveName(column, '_not_null_triphase');
  await addConstraint(knex, { on, name, definition: `CHECK (${quoteIdent(column)} IS NOT NULL)` });
  await atomically(knex, async (trx) => {
    await execute(trx, `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(column)} SET NOT NULL`);
    await execute(trx, `ALTER TABLE ${on} DROP CONSTRAINT ${quoteIdent(name)}`);
  });
}

/** Undoes `setNotNull` on that column alone; nothing where the column is gone. */
export async function unsetNotNull(
  knex: Knex,
  { on, column }: { readonly on: string; readonly column: string },
): Promise<void> {
  const unset = (table: string): Promise<void> =>
    execute(knex, `ALTER TABLE ${table} ALTER COLUMN ${quoteIdent(column)} DROP NOT NULL`);
  if (await isNotNull(knex, on, column)) await unset(on);
  if (!isOfRename(knex, on, column)) return;
  // A key that was made from an index has made those of partitions and children their own (18); under another name than the table's they could not be renamed with it.
  for (const member of await ownNotNulls(knex, on, column)) await unset(member.on);
}

/** Whether a rename has added the column: then nobody has made anything of it but the rename. */
function isOfRename(knex: Knex, on: string, column: string): boolean {
  return [...contextOf(knex).renames.values()].some(
    ({ table, to, retype }) => retype === null && quoteQualified(table) === on && to === column,
  );
}

async function isNotNull(knex: Knex, on: string, column: string): Promise<boolean> {
  const rows = await runSql(
    knex,
    `SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND attnotnull`,
    [on, column],
  );
  return rows.length > 0;
}

/** PostgreSQL 18 gives NOT NULL constraints names. Gives the column's the name of the column; nothing before 18. */
export async function renameNotNull(
  knex: Knex,
  { on, column }: { readonly on: string; readonly column: string },
): Promise<void> {
  const own = await ownNotNulls(knex, on, column);
  const name = deriveName(column, '_not_null_new');
  const aside = own.map((constraint) => ({ ...constraint, name }));
  await runAll(knex, takingNames(aside, own));
}

/** A NOT NULL constraint of a table of a tree that it has not from its parent, by the table, quoted. */
export interface OwnNotNull {
  readonly on: string;
  readonly name: string;
  /** Whether all that come from it have its name: else PostgreSQL does not rename it. */
  readonly isRenamable: boolean;
}

/** Those of a column, on a table, its partitions and its children; none before PostgreSQL 18. */
export function ownNotNulls(knex: Knex, on: string, column: string): Promise<OwnNotNull[]> {
  return runSql(
    knex,
    `${treeOf('to_regclass($1)::oid')}
     SELECT ${sqlQualified('n', 'c')} AS on, co.conname AS name, NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_constraint m ON m.conrelid = i.inhrelid AND m.contype = 'n' AND m.coninhcount > 0
       JOIN pg_attribute k ON k.attrelid = m.conrelid AND k.attnum = m.conkey[1] AND k.attname = $2 WHERE i.inhparent = co.conrelid AND m.conname <> co.conname) AS "isRenamable" FROM tree JOIN pg_constraint co ON co.conrelid = tree.oid AND co.contype = 'n' AND co.coninhcount = 0
     JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = co.conkey[1] AND a.attname = $2
     JOIN pg_class c ON c.oid = co.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY c.oid`,
    [on, column],
  );
}

/** Statements that give such constraints of one column the names that those of another one had, table by table. */
export function takingNames(originals: readonly OwnNotNull[], derived: readonly OwnNotNull[]): string[] {
  return derived.flatMap(({ on, name, isRenamable }) => {
    const original = originals.find((other) => other.on === on);
    if (original === undefined || original.name === name || !isRenamable) return [];
    return [`ALTER TABLE ${on} RENAME CONSTRAINT ${quoteIdent(name)} TO ${quoteIdent(original.name)}`];
  });
}

/** The name of a column's NOT NULL constraint; null before PostgreSQL 18, and where there is none. */
async function notNullName(knex: Knex, on: string, column: string): Promise<string | null> {
  const [row] = await runSql<{ name: string }>(
    knex,
    `SELECT co.conname AS name FROM pg_constraint co JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = co.conkey[1]
     WHERE co.conrelid = to_regclass($1) AND co.contype = 'n' AND a.attname = $2`,
    [on, column],
  );
  return row?.name ?? null;
}
