import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { idOfKnexName } from '../domain/knex-name.ts';
import { codeOf, reasonOf, sqlState } from '../postgres/errors.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import { ensureTrustedTable } from './owner.ts';

/** What knex has written down in a database. */
export interface KnexState {
  /** Ids of what it has run; null where there is no such table. */
  readonly ids: readonly string[] | null;
  /** Whether it runs something now, or died in the middle. */
  readonly isLocked: boolean;
}

/**
 * The lock first: what is let go has written its rows.
 * @param table as SQL names it.
 * @throws PH3025 when another role has made that table, PH5008 when they may not be read.
 */
export async function knexState(db: Queryable, table: string): Promise<KnexState> {
  try {
    const found = await knexTableIn(db, table);
    if (found === null) return { ids: null, isLocked: false };
    const lock = await knexTableIn(db, `${found.schema}.${found.lock}`);
    const locked = lock === null ? [] : await all(db, `SELECT FROM ${lock.qualified} WHERE is_locked = 1`);
    const rows = await all<{ name: string }>(db, `SELECT name FROM ${found.qualified} ORDER BY id`);
    return { ids: rows.map(({ name }) => idOfKnexName(name)), isLocked: locked.length > 0 };
  } catch (error) {
    if (codeOf(error) !== sqlState.insufficientPrivilege) throw error;
    throw new PhaseError(
      'PH5008',
      { reason: `${reasonOf(error)}: it is read whether knex has run what is pending` },
      { cause: error },
    );
  }
}

interface KnexTable {
  readonly qualified: string;
  /** Both as SQL names them. */
  readonly schema: string;
  readonly lock: string;
}

/** The table of a name, under the search path of the application. @throws PH3025 */
export async function knexTableIn(db: Queryable, name: string): Promise<KnexTable | null> {
  const { oid } = await underOwnNames(db, () =>
    one<{ oid: string | null }>(db, 'SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.text AS oid', [
      name,
    ]),
  );
  const [found] = await all<{ schema: string; name: string; quotedSchema: string; lock: string }>(
    db,
    `SELECT n.nspname AS schema, c.relname AS name, pg_catalog.quote_ident(n.nspname) AS "quotedSchema", pg_catalog.quote_ident(c.relname || '_lock') AS lock
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`,
    [oid],
  );
  if (oid === null || !found) return null;
  const qualified = quoteQualified(found);
  await ensureTrustedTable(db, oid, qualified);
  return { qualified, schema: found.quotedSchema, lock: found.lock };
}
