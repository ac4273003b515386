import { hostname } from 'node:os';
import { quoteLiteral } from '../domain/identifier.ts';
import type { MigrationKind, Phase } from '../domain/manifest.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import type { Release } from '../domain/release.ts';
import type { StepName } from '../domain/rename.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { knexRows } from './knex-baseline.ts';
import { ensureKnownFormat, ledgerFormat, servedBefore } from './ledger-format.ts';
import { STEP_BY_NAME } from './ledger-formats/format-4.ts';
import { ensureSameTarget } from './ledger-target.ts';
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

/** The ledger's present: what is applied and how far the releases have come. */
export interface Ledger {
  /** In the order in which they ran. */
  readonly rows: readonly LedgerRow[];
  readonly servedBefore: boolean;
  /** Releases that were migrated, the last one last. */
  readonly migrated: readonly Release[];
  /** The release whose roll-out was confirmed last. */
  readonly confirmed: Release | null;
  /** Releases that were migrated to after that. */
  readonly since: readonly Release[];
}

const rowsOf = (format: number): string => `
  SELECT id, kind, release, rename, phase, ${format < 4 ? STEP_BY_NAME : 'step'} AS step, sha256, ${format < 5 ? 'NULL' : 'manifest_sum'} AS "manifestSum", breaks, state, coalesce(duration_ms, 0)::float8 AS "durationMs",
    to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "startedAt",
    to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "appliedAt"
  FROM phase.migrations ORDER BY applied_order`;

/**
 * Reads the ledger; one that does not exist yet, or is empty, has what knex has run.
 * @param knexTable where knex keeps that.
 * @param asks the session only asks what is applied.
 * @throws PH3013 when a newer tool wrote it, PH3022 when it was made for another schema.
 */
export async function readLedger(db: Queryable, knexTable: string, { asks = false } = {}): Promise<Ledger> {
  const format = await ledgerFormat(db);
  ensureKnownFormat(format);
  const own = format === 0 ? [] : await all<LedgerRow>(db, rowsOf(format));
  const rows = own.length === 0 ? await knexRows(db, knexTable) : own;
  if (format > 0) await ensureSameTarget(db, { asks });
  if (format === 0) return { rows, servedBefore: await servedBefore(db), migrated: [], confirmed: null, since: [] };
  const [migratedBy, confirmedBy] =
    format < 5 ? ['migrated_at', 'confirmed_at'] : ['migrated_order', 'confirmed_order'];
  const migrated = await all<{ release: string }>(
    db,
    `SELECT release FROM phase.releases WHERE ${migratedBy} IS NOT NULL ORDER BY ${migratedBy}`,
  );
  const [confirmed] = await all<{ release: string }>(
    db,
    `SELECT release FROM phase.releases WHERE ${confirmedBy} IS NOT NULL ORDER BY ${confirmedBy} DESC LIMIT 1`,
  );
  const since = await all<{ release: string }>(
    db,
    `SELECT release FROM phase.releases WHERE ${migratedBy} > (SELECT max(${confirmedBy}) FROM phase.releases) ORDER BY ${migratedBy}`,
  );
  const { served } = await one<{ served: boolean }>(db, 'SELECT served_before AS served FROM phase.ledger');
  return {
    rows,
    servedBefore: served,
    migrated: migrated.map(({ release }) => release),
    confirmed: confirmed?.release ?? null,
    since: since.map(({ release }) => release),
  };
}

/** Ids that are applied. */
export function appliedIds({ rows }: Ledger): Set<string> {
  return new Set(rows.filter(({ state }) => state === 'applied').map(({ id }) => id));
}

const UPSERT = `
  INSERT INTO phase.migrations (id, kind, release, rename, phase, sha256, breaks, state, started_at, finished_at, duration_ms, host, tool_version, step, manifest_sum)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() - make_interval(secs => $9 / 1000.0),
    CASE $8 WHEN 'applied' THEN clock_timestamp() END, CASE $8 WHEN 'applied' THEN $9 END, $10, $11, $12, $13)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, sha256 = excluded.sha256, finished_at = excluded.finished_at,
    manifest_sum = excluded.manifest_sum, duration_ms = excluded.duration_ms, who = excluded.who, host = excluded.host, tool_version = excluded.tool_version`;

/** Enters a migration; in the transaction of a transactional one. */
export async function recordMigration(
  db: Queryable,
  migration: OrderedMigration,
  state: LedgerRow['state'],
  durationMs: number,
): Promise<void> {
  const { id, kind, release, rename, phase, step, sha256, breaks, manifestSum } = migration;
  await db.query(UPSERT, [
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
  ]);
}

/** Takes a migration out, with its checkpoints: it was undone. */
export async function removeMigration(db: Queryable, id: string): Promise<void> {
  const { rows } = await db.query<{ release: string }>('DELETE FROM phase.migrations WHERE id = $1 RETURNING release', [
    id,
  ]);
  // A release of which nothing is left has not been migrated to.
  await db.query(
    'DELETE FROM phase.releases r WHERE release = $1 AND NOT EXISTS (SELECT 1 FROM phase.migrations m WHERE m.release = r.release)',
    [rows[0]?.release],
  );
  await db.query('DELETE FROM phase.backfills WHERE owner = $1', [id]);
}

export async function recordMigrated(db: Queryable, release: Release): Promise<void> {
  await db.query(recordRelease(release, 'migrated'));
}

export async function recordConfirmed(db: Queryable, release: Release): Promise<void> {
  await db.query(recordRelease(release, 'confirmed'));
}

/** The statement that says of a release, now and after all that was recorded before, that it was migrated to or confirmed. */
export function recordRelease(release: Release, what: 'migrated' | 'confirmed'): string {
  const [at, order] = [`${what}_at`, `${what}_order`];
  return `INSERT INTO phase.releases (release, ${at}, ${order}) VALUES (${quoteLiteral(release)}, clock_timestamp(), nextval('phase.release_order'))
     ON CONFLICT (release) DO UPDATE SET ${at} = excluded.${at}, ${order} = excluded.${order}`;
}

export type Direction = 'up' | 'down' | 'resolve';

/** What an attempt that did not end well says of itself. */
export interface AttemptError {
  readonly code: string;
  readonly message: string;
}

/** What is said of an attempt whose runner died, or never heard the answer to its last COMMIT. */
const LEFT: AttemptError = {
  code: 'PH5004',
  message: 'It did not come to its end: its runner died, or lost its connection.',
};

/** Begins an entry of the history. @returns what ends it, with the error when there was one. */
export async function beginAttempt(
  db: Queryable,
  migration: string,
  direction: Direction,
  run: string,
): Promise<(error?: AttemptError) => Promise<void>> {
  const { number } = await one<{ number: string }>(
    db,
    'INSERT INTO phase.attempts (migration, direction, run) VALUES ($1, $2, $3) RETURNING number',
    [migration, direction, run],
  );
  return async (error) => {
    await db.query(END_ATTEMPT, [number, error?.code, error?.message]);
  };
}

/** What came of an attempt the ledger tells: an error may come after all was committed. A hand's word is done with its row. */
const END_ATTEMPT = `
  UPDATE phase.attempts AS a SET finished_at = clock_timestamp(), outcome = CASE WHEN came.about THEN 'done' ELSE 'failed' END,
    error_code = CASE WHEN NOT came.about THEN $2 END, error = CASE WHEN NOT came.about THEN $3 END
  FROM (SELECT tried.number, CASE tried.direction WHEN 'up' THEN coalesce(m.state = 'applied', false) WHEN 'down' THEN m.id IS NULL ELSE true END AS about
    FROM phase.attempts AS tried LEFT JOIN phase.migrations AS m ON m.id = tried.migration) AS came
  WHERE came.number = a.number AND a.number = $1`;

/** Says of attempts that nobody ended what came of them. Only under the runner's lock, when none is going on. */
export async function endLeftAttempts(db: Queryable): Promise<void> {
  const left = await all<{ number: string }>(
    db,
    `SELECT number FROM phase.attempts WHERE outcome IS NULL
       AND number IN (SELECT max(number) FROM phase.attempts GROUP BY migration)`,
  );
  for (const { number } of left) await db.query(END_ATTEMPT, [number, LEFT.code, LEFT.message]);
}

/** The error of a migration's last attempt, or null. */
export async function lastError(db: Queryable, migration: string): Promise<string | null> {
  const [row] = await all<{ error: string | null }>(
    db,
    'SELECT error FROM phase.attempts WHERE migration = $1 ORDER BY number DESC LIMIT 1',
    [migration],
  );
  return row?.error ?? null;
}
