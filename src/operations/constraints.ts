import type { Knex } from 'knex';
import { deriveName, quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import { runSql } from '../postgres/knex.ts';
import { atomically, execute } from './execute.ts';

export interface UniqueOptions {
  /** The table, schema and name quoted. */
  readonly on: string;
  /** Name of the constraint, and of the valid unique index that it is made from. */
  readonly name: string;
  readonly deferrable?: boolean;
  readonly initiallyDeferred?: boolean;
  readonly comment?: string;
}

/** Makes a unique constraint from a unique index of the same name; nothing when it is there already. */
export async function addUnique(
  knex: Knex,
  { on, name, deferrable, initiallyDeferred, comment }: UniqueOptions,
): Promise<void> {
  if ((await constraintState(knex, on, name)) === 'absent') {
    const timing = `${deferrable ? ' DEFERRABLE' : ''}${initiallyDeferred ? ' INITIALLY DEFERRED' : ''}`;
    await execute(
      knex,
      `ALTER TABLE ${on} ADD CONSTRAINT ${quoteIdent(name)} UNIQUE USING INDEX ${quoteIdent(name)}${timing}`,
    );
  }
  await commentConstraint(knex, on, name, comment);
}

export interface ConstraintOptions {
  readonly on: string;
  readonly name: string;
  /** `CHECK (...)` or `FOREIGN KEY ...`. */
  readonly definition: string;
  readonly comment?: string;
}

/**
 * Adds a check or foreign key in two steps: NOT VALID, which only needs a moment's lock, then VALIDATE, which reads the
 * table while it is written. Goes on where an earlier try stopped.
 */
export async function addConstraint(knex: Knex, { on, name, definition, comment }: ConstraintOptions): Promise<void> {
  const state = await constraintState(knex, on, name);
  const constraint = quoteIdent(name);
  if (state === 'absent') await execute(knex, `ALTER TABLE ${on} ADD CONSTRAINT ${constraint} ${definition} NOT VALID`);
  if (state !== 'validated') await execute(knex, `ALTER TABLE ${on} VALIDATE CONSTRAINT ${constraint}`);
  await commentConstraint(knex, on, name, comment);
}

async function commentConstraint(knex: Knex, on: string, name: string, comment: string | undefined): Promise<void> {
  if (comment === undefined) return;
  await execute(knex, `COMMENT ON CONSTRAINT ${quoteIdent(name)} ON ${on} IS ${quoteLiteral(comment)}`);
}

/** Drops a constraint, where it is there. */
export async function dropConstraint(
  knex: Knex,
  { on, name }: { readonly on: string; readonly name: string },
): Promise<void> {
  await execute(knex, `ALTER TABLE ${on} DROP CONSTRAINT IF EXISTS ${quoteIdent(name)}`);
}

async function constraintState(knex: Knex, on: string, name: string): Promise<'absent' | 'not valid' | 'validated'> {
  const [row] = await runSql<{ validated: boolean }>(
    knex,
    `SELECT convalidated AS validated FROM pg_constraint
     WHERE conrelid = to_regclass(${quoteLiteral(on)}) AND conname = ${quoteLiteral(name)}`,
  );
  return row === undefined ? 'absent' : row.validated ? 'validated' : 'not valid';
}

/**
 * Makes a column NOT NULL without reading the table under an exclusive lock: a validated check proves it, and goes again.
 * Source: https://www.postgresql.org/docs/current/sql-altertable.html (SET NOT NULL)
 */
export async function setNotNull(
  knex: Knex,
  { on, column }: { readonly on: string; readonly column: string },
): Promise<void> {
  if (await isNotNull(knex, on, column)) return;
  const name = deriveName(column, '_not_null_triphase');
  await addConstraint(knex, { on, name, definition: `CHECK (${quoteIdent(column)} IS NOT NULL)` });
  await atomically(knex, async (trx) => {
    await runSql(trx, `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(column)} SET NOT NULL`);
    await runSql(trx, `ALTER TABLE ${on} DROP CONSTRAINT ${quoteIdent(name)}`);
  });
}

async function isNotNull(knex: Knex, on: string, column: string): Promise<boolean> {
  const rows = await runSql(
    knex,
    `SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(${quoteLiteral(on)}) AND attname = ${quoteLiteral(column)} AND attnotnull`,
  );
  return rows.length > 0;
}

/** PostgreSQL 18 gives NOT NULL constraints names. Gives the column's the name of the column; nothing before 18. */
export async function renameNotNull(
  knex: Knex,
  { on, column }: { readonly on: string; readonly column: string },
): Promise<void> {
  const name = await notNullName(knex, on, column);
  const fresh = deriveName(column, '_not_null_new');
  if (name === null || name === fresh) return;
  await execute(knex, `ALTER TABLE ${on} RENAME CONSTRAINT ${quoteIdent(name)} TO ${quoteIdent(fresh)}`);
}

/** The name of a column's NOT NULL constraint; null before PostgreSQL 18, and where there is none. */
async function notNullName(knex: Knex, on: string, column: string): Promise<string | null> {
  const [row] = await runSql<{ name: string }>(
    knex,
    `SELECT co.conname AS name FROM pg_constraint co JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = co.conkey[1]
     WHERE co.conrelid = to_regclass(${quoteLiteral(on)}) AND co.contype = 'n' AND a.attname = ${quoteLiteral(column)}`,
  );
  return row?.name ?? null;
}
