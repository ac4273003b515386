import { hostname } from 'node:os';
import { quoteLiteral } from '../domain/identifier.ts';
import type { MigrationKind, Phase } from '../domain/manifest.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import type { Release } from '../domain/release.ts';
import type { StepName } from '../domain/rename.ts';
import { all, type LedgerDb } from '../postgres/queryable.ts';
import { isoTime } from '../postgres/time.ts';
import { ledgerOf } from './connection.ts';
import { ledgerFormat } from './format.ts';
import { STEP_BY_NAME } from './formats/format-4.ts';
import { bearsMark } from './marked.ts';
import { toolVersion } from './tool-version.ts';

/** A migration as the ledger has it. */
export interface LedgerRow {
  readonly id: string;
  readonly kind: MigrationKind;
  readonly release: Release;
  readonly rename: string | null;
  readonly phase: Phase | null;
  readonly step: StepName | null;
  /** Null for what knex has run before there was a ledger. */
  readonly sha256: string | null;
  /** Of the released manifest that it ran under; null while that was open, or where nobody has kept it. */
  readonly manifestSum: string | null;
  readonly breaks: string | null;
  readonly state: 'started' | 'applied';
  readonly startedAt: string;
  readonly appliedAt: string | null;
  readonly durationMs: number;
}

const rowsOf = (ledger: string, format: number): string => `
  SELECT id, kind, release, rename, phase, ${format < 4 ? STEP_BY_NAME : 'step'} AS step, sha256, ${format < 5 ? 'NULL' : 'manifest_sum'} AS "manifestSum", breaks, state, coalesce(duration_ms, 0)::float8 AS "durationMs",
    ${isoTime('started_at')} AS "startedAt",
    ${isoTime('finished_at')} AS "appliedAt"
  FROM ${ledger}.migrations ORDER BY applied_order`;

/** What is applied or begun, in the order in which it ran. @param format of the ledger; older ones keep less. */
export function readMigrations(db: LedgerDb, format: number): Promise<LedgerRow[]> {
  return all(db, rowsOf(ledgerOf(db), format));
}

/** In names that mean the same under any search path: that of the application is in force where a migration has just run. */
const upsert = (ledger: string, condition: string): string => `
  INSERT INTO ${ledger}.migrations (id, kind, release, rename, phase, sha256, breaks, state, started_at, finished_at, duration_ms, host, tool_version, step, manifest_sum)
  SELECT $1, $2, $3, $4, $5, $6, $7, $8, now.at OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $9::pg_catalog.float8 OPERATOR(pg_catalog./) 1000::pg_catalog.float8),
    CASE WHEN now.is_done THEN now.at END, CASE WHEN now.is_done THEN $9::pg_catalog.int4 END, $10, $11, $12, $13
  FROM (SELECT pg_catalog.clock_timestamp() AS at, $8::pg_catalog.text OPERATOR(pg_catalog.=) 'applied'::pg_catalog.text AS is_done) AS now
  WHERE ${condition}
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, sha256 = excluded.sha256, finished_at = excluded.finished_at,
    manifest_sum = excluded.manifest_sum, duration_ms = excluded.duration_ms, who = excluded.who, host = excluded.host, tool_version = excluded.tool_version
  RETURNING pg_catalog.pg_current_xact_id()::pg_catalog.text AS number`;

/** The same, whatever the ledger's format; nothing where there is none. */
export async function migrationsSoFar(db: LedgerDb): Promise<LedgerRow[]> {
  const format = await ledgerFormat(db);
  return format === 0 ? [] : readMigrations(db, format);
}

/** Enters a migration. */
export async function recordMigration(
  db: LedgerDb,
  migration: OrderedMigration,
  state: LedgerRow['state'],
  durationMs: number,
): Promise<void> {
  await db.query(upsert(ledgerOf(db), 'true'), valuesOf(migration, state, durationMs));
}

/**
 * Enters a migration as applied, and its attempt as done, in its own transaction and under whatever search path that has.
 * @returns the number of the transaction; null where it is not the one that bears the mark: then nothing is entered.
 */
export async function recordWithin(
  db: LedgerDb,
  migration: OrderedMigration,
  durationMs: number,
  { mark, attempt }: { readonly mark: string; readonly attempt: string },
): Promise<string | null> {
  const isMarked = bearsMark('$14');
  const sql = `WITH ended AS (
    UPDATE ${ledgerOf(db)}.attempts SET finished_at = pg_catalog.clock_timestamp(), outcome = 'done'
    WHERE number OPERATOR(pg_catalog.=) $15::pg_catalog.int8 AND ${isMarked})
  ${upsert(ledgerOf(db), isMarked)}`;
  const rows = await all<{ number: string }>(db, sql, [...valuesOf(migration, 'applied', durationMs), mark, attempt]);
  return rows[0]?.number ?? null;
}

function valuesOf(
  { id, kind, release, rename, phase, step, sha256, breaks, manifestSum }: OrderedMigration,
  state: LedgerRow['state'],
  durationMs: number,
): unknown[] {
  return [
    id,
    kind,
    release,
    rename ?? null,
    phase ?? null,
    sha256,
    breaks ?? null,
    state,
    Math.round(durationMs),
    hostname(),
    toolVersion(),
    step ?? null,
    manifestSum ?? null,
  ];
}

/** Takes a migration out, with its checkpoints: it was undone. */
export async function removeMigration(db: LedgerDb, id: string): Promise<void> {
  const ledger = ledgerOf(db);
  const { rows } = await db.query<{ release: string }>(
    `DELETE FROM ${ledger}.migrations WHERE id = $1 RETURNING release`,
    [id],
  );
  // A release of which nothing is left has not been migrated to.
  await db.query(
    `DELETE FROM ${ledger}.releases r WHERE release = $1 AND NOT EXISTS (SELECT 1 FROM ${ledger}.migrations m WHERE m.release = r.release)`,
    [rows[0]?.release],
  );
  await db.query(`DELETE FROM ${ledger}.backfills WHERE owner = $1`, [id]);
}

/** Enters a migration that ran before there was a ledger, with the time at which it did. */
export async function recordEarlierMigration(
  db: LedgerDb,
  migration: OrderedMigration,
  at: string | null,
): Promise<void> {
  await recordMigration(db, migration, 'applied', 0);
  await db.query(`UPDATE ${ledgerOf(db)}.migrations SET started_at = $2, finished_at = $2 WHERE id = $1`, [
    migration.id,
    at,
  ]);
}

/** Renames of which the first step has run and the last one has not, by the ledger. */
export function renamesUnderWay(db: LedgerDb): Promise<{ rename: string; phase: 1 | 2 }[]> {
  return all(
    db,
    `SELECT rename, CASE WHEN bool_or(step = 'switch') THEN 2 ELSE 1 END AS phase FROM ${ledgerOf(db)}.migrations
     WHERE state = 'applied' AND rename IS NOT NULL GROUP BY rename
     HAVING bool_or(step = 'expand') AND NOT bool_or(step = 'contract')`,
  );
}

/**
 * The statement that enters a migration which somebody runs by a script.
 * @param by what stands there for the machine and the version of the tool.
 */
export function scriptedMigration(
  db: Pick<LedgerDb, 'ledgerSchema'>,
  { id, kind, release, rename, phase, step, sha256, breaks }: OrderedMigration,
  by: { readonly host: string; readonly toolVersion: string } = { host: 'psql', toolVersion: toolVersion() },
): string {
  const text = (value: string | undefined) => (value === undefined ? 'NULL' : quoteLiteral(value));
  return `INSERT INTO ${ledgerOf(db)}.migrations (id, kind, release, rename, phase, step, sha256, breaks, state, started_at, finished_at, host, tool_version)
  VALUES (${text(id)}, ${text(kind)}, ${text(release)}, ${text(rename)}, ${phase ?? 'NULL'}, ${text(step)}, ${text(sha256)}, ${text(breaks)}, 'applied', now(), now(), ${text(by.host)}, ${text(by.toolVersion)})`;
}
