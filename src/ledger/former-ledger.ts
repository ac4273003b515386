import { PhaseError } from '../domain/errors/phase-error.ts';
import type { FormerLedger, FormerTool } from '../domain/former-ledger.ts';
import { quoteQualified } from '../domain/identifier.ts';
import { idOfKnexName } from '../domain/knex-name.ts';
import { codeOf, reasonOf, sqlState } from '../postgres/errors.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { underOwnNames } from '../postgres/session.ts';
import { isoTime } from '../postgres/time.ts';
import type { LedgerRow } from './migrations.ts';
import { ensureTrustedTable } from './owner.ts';

/** What the former tool has written down in a database. */
export interface FormerState {
  /** Ids of what it has run; null where there is no such table. */
  readonly ids: readonly string[] | null;
  /** Whether it runs something now, or died in the middle. */
  readonly isLocked: boolean;
}

interface ToolSql {
  /** SQL for `id` and `at` of what has run, in that order. @param table qualified. */
  readonly applied: (table: string) => string;
  readonly idOf: (name: string) => string;
}

const asItIs = (name: string): string => name;

const TOOLS: Readonly<Record<FormerTool, ToolSql>> = {
  // It keeps the extension in the name.
  knex: {
    applied: (table) => `SELECT name AS id, migration_time AS at FROM ${table} AS run ORDER BY run.id`,
    idOf: idOfKnexName,
  },
  'node-pg-migrate': {
    applied: (table) => `SELECT name AS id, run_on AS at FROM ${table} AS run ORDER BY run.run_on, run.id`,
    idOf: asItIs,
  },
  // One that failed has no end, and one that was marked as rolled back counts as never run.
  prisma: {
    applied: (table) =>
      `SELECT migration_name AS id, finished_at AS at FROM ${table} AS run WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY run.started_at`,
    idOf: asItIs,
  },
  // All that it keeps of a name is the time in its journal.
  drizzle: {
    applied: (table) =>
      `SELECT created_at::text AS id, pg_catalog.to_timestamp(created_at / 1000.0) AS at FROM ${table} AS run ORDER BY run.created_at`,
    idOf: (when) => drizzleId(Number(when)),
  },
};

/** The id of a migration of drizzle. @param when the time in its journal, in ms. */
export const drizzleId = (when: number): string => `drizzle_${when}`;

/**
 * The lock first: what is let go has written its rows.
 * @throws PH3025 when another role has made that table, PH5008 when they may not be read.
 */
export async function formerState(db: Queryable, ledger: FormerLedger): Promise<FormerState> {
  try {
    const found = await tableIn(db, ledger.table);
    if (found === null) return { ids: null, isLocked: false };
    const isLocked = ledger.tool === 'knex' && (await isKnexLocked(db, found));
    const { applied, idOf } = TOOLS[ledger.tool];
    const rows = await all<{ id: string }>(db, applied(found.qualified));
    return { ids: rows.map(({ id }) => idOf(id)), isLocked };
  } catch (error) {
    if (codeOf(error) !== sqlState.insufficientPrivilege) throw error;
    throw new PhaseError(
      'PH5008',
      { reason: `${reasonOf(error)}: it is read whether ${ledger.tool} has run what is pending` },
      { cause: error },
    );
  }
}

/**
 * What the former tool has run, for a database in which phase has run nothing yet: `phase init --from-...` has taken its migrations over under their names.
 * Their checksums are not known.
 * @throws PH3025 when another role has made that table.
 */
export async function formerRows(db: Queryable, ledger: FormerLedger): Promise<LedgerRow[]> {
  const found = await tableIn(db, ledger.table);
  if (found === null) return [];
  const { applied, idOf } = TOOLS[ledger.tool];
  const rows = await all<LedgerRow>(
    db,
    `SELECT id, 'schema' AS kind, '0.0.0' AS release, NULL AS rename, NULL AS phase, NULL AS step, NULL AS sha256, NULL AS "manifestSum",
       NULL AS breaks, 'applied' AS state, 0::float8 AS "durationMs", ${isoTime('at')} AS "startedAt", ${isoTime('at')} AS "appliedAt"
     FROM (${applied(found.qualified)}) AS applied`,
  );
  return rows.map((row) => ({ ...row, id: idOf(row.id) }));
}

async function isKnexLocked(db: Queryable, { schema, lock: name }: FormerTable): Promise<boolean> {
  const lock = await tableIn(db, `${schema}.${name}`);
  return lock !== null && (await all(db, `SELECT FROM ${lock.qualified} WHERE is_locked = 1`)).length > 0;
}

interface FormerTable {
  readonly qualified: string;
  /** Both as SQL names them. */
  readonly schema: string;
  readonly lock: string;
}

/** The table of a name, under the search path of the application. @throws PH3025 */
async function tableIn(db: Queryable, name: string): Promise<FormerTable | null> {
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
