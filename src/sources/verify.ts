import { PhaseError } from '../domain/errors/phase-error.ts';
import { holdsLedger } from '../domain/ledger-schema.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { untraced } from '../domain/trace.ts';
import { type Database, withConnection } from '../postgres/connection.ts';
import { all } from '../postgres/queryable.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { shadowDatabaseOf } from '../project/database.ts';
import { fileOf, loadMigration } from '../project/migrations.ts';
import { withReplay } from '../replay/replay.ts';
import { rollback } from '../runner/rollback.ts';
import { compareSchemas, type Difference } from '../schema/compare.ts';
import { differencesOf } from '../schema/fingerprint.ts';
import { copyRows, readRows, rowChanges, type TableRows } from '../schema/rows.ts';
import { asOwner, withCopy } from './copy.ts';
import { stepsThatRan } from './drift.ts';
import { ledgerOfSteps } from './dump.ts';
import { readPlace, type Surroundings, stepsOf, withSource, withSteps } from './open.ts';
import { type Source, sourceInWords } from './source.ts';

export interface VerifyOptions {
  /** The database that the pending migrations are for; migrations: one that has what is released. */
  readonly from: Source;
  readonly to: Source;
  /** With the rows of the database. */
  readonly rows: boolean;
}

export interface Verification {
  /** Pending migrations, which have run on the clone. */
  readonly applied: readonly string[];
  readonly differences: readonly Difference[];
  readonly down: {
    readonly reverted: readonly string[];
    /** The first that has no way back: it, and those before it, were not undone. */
    readonly irreversible: string | null;
    /** Lines that only one side has, as PostgreSQL tells it: `+` after the way back, `-` before all of it. */
    readonly differences: readonly string[];
  };
  /** What schema migrations did to rows that were there, and what of them the way back has not brought back; null where rows were not looked at. */
  readonly rows: readonly string[] | null;
  /** Kinds of objects that are there, and that nobody compares. */
  readonly uncompared: readonly string[];
}

/**
 * Runs what is pending on a clone, and compares what it gives with the wanted schema, and what is left after the way back with what was there.
 * @throws PH1015 for a source without a ledger, PH5031 when the database cannot be cloned, what the migrations throw.
 */
export async function verify(surroundings: Surroundings, options: VerifyOptions): Promise<Verification> {
  const { from } = options;
  if (from.kind === 'migrations') {
    const ran = stepsOf(surroundings).filter(({ release }) => isReleased(surroundings, release));
    return withSteps(surroundings, ran, ({ database }) => verifyClone(surroundings, options, database, ran));
  }
  if (from.kind !== 'database' && from.kind !== 'url') {
    const allowed = 'database, a URL, or migrations: what has a ledger';
    throw new PhaseError('PH1015', { what: '--from', value: sourceInWords(from), allowed });
  }
  return withSource(surroundings, from, async ({ database }) => {
    const ran = await stepsThatRan(surroundings, database);
    const schema = await readPlace(surroundings.project, database);
    return withCopy(surroundings, schema, async ({ db, url, untried }) => {
      if (untried !== null) throw new PhaseError('PH5031', { reason: untried });
      const role = surroundings.project.config.role ?? null;
      await inTransaction(db, () => asOwner(db, role, ledgerOfSteps(surroundings, ran)));
      if (options.rows) await withLedgerSchemas(database, (source, ledgers) => copyRows(source, db, ledgers));
      const { project } = surroundings;
      return verifyClone(surroundings, options, await shadowDatabaseOf(project, url), ran);
    });
  });
}

function isReleased({ history }: Surroundings, release: string): boolean {
  return history.manifests.some((manifest) => manifest.release === release && manifest.state === 'released');
}

async function withLedgerSchemas<T>(
  database: Database,
  body: (db: Parameters<typeof copyRows>[0], ledgers: readonly string[]) => Promise<T>,
): Promise<T> {
  return withConnection({ ...database, applicationName: 'phase verify' }, async (db) => {
    const schemas = await all<{ name: string }>(
      db,
      `SELECT n.nspname::text AS name FROM pg_catalog.pg_namespace n WHERE ${holdsLedger('n.oid')}`,
    );
    return body(
      db,
      schemas.map(({ name }) => name),
    );
  });
}

async function verifyClone(
  surroundings: Surroundings,
  { to, rows }: VerifyOptions,
  clone: Database,
  ran: readonly OrderedMigration[],
): Promise<Verification> {
  const { project } = surroundings;
  const before = await readPlace(project, clone);
  const done = new Set(ran.map(({ id }) => id));
  const pending = stepsOf(surroundings).filter(({ id }) => !done.has(id));
  const initial = rows ? await rowsOf(clone) : [];
  const changes = await runAll(surroundings, clone, pending, rows);
  const after = await readPlace(project, clone);
  const differences = await withSource(surroundings, to, async ({ database, isOurs }) =>
    compareSchemas(after, await readPlace(project, database), isOurs),
  );
  const { reverted, irreversible } = await undoAll(surroundings, clone, pending);
  const isBack = reverted.length === pending.length;
  if (isBack && rows)
    changes.push(...rowChanges(initial, await rowsOf(clone)).map((change) => `after the way back: ${change}`));
  const left = isBack ? differencesOf((await readPlace(project, clone)).fingerprint, before.fingerprint) : [];
  return {
    applied: pending.map(({ id }) => id),
    differences,
    down: { reverted, irreversible, differences: left },
    rows: rows ? changes : null,
    uncompared: after.unread,
  };
}

const rowsOf = (clone: Database): Promise<TableRows[]> =>
  withLedgerSchemas(clone, (db, ledgers) => readRows(db, ledgers));

/** @returns what schema migrations did to rows. */
async function runAll(
  { project, history }: Surroundings,
  clone: Database,
  pending: readonly OrderedMigration[],
  rows: boolean,
): Promise<string[]> {
  const rowsNow = (): Promise<TableRows[]> => (rows ? rowsOf(clone) : Promise.resolve([]));
  const changes: string[] = [];
  const url = String(clone.connection);
  await withReplay({ project, history, url }, async (replay) => {
    let before = await rowsNow();
    for (const step of pending) {
      await replay.run(step);
      const after = await rowsNow();
      if (step.kind === 'schema') changes.push(...rowChanges(before, after).map((change) => `${step.id}: ${change}`));
      before = after;
    }
  });
  return changes;
}

/** From the last one on, as far as there is a way back. */
async function undoAll(
  { project, history }: Surroundings,
  clone: Database,
  pending: readonly OrderedMigration[],
): Promise<{ readonly reverted: readonly string[]; readonly irreversible: string | null }> {
  let steps = 0;
  let irreversible: string | null = null;
  for (const { id } of pending.toReversed()) {
    if (await hasWayBack({ project, history }, id)) steps++;
    else {
      irreversible = id;
      break;
    }
  }
  if (steps === 0) return { reverted: [], irreversible };
  const runner = {
    project: { ...project, config: { ...project.config, auditStore: 'database' as const } },
    database: clone,
    onEvent: () => undefined,
    trace: untraced,
    stragglerWindowMs: 0,
  };
  const { result, error } = await rollback({ ...runner, steps, to: null });
  if (error !== null) throw error;
  return { reverted: result.reverted, irreversible };
}

async function hasWayBack(
  { project, history }: Pick<Surroundings, 'project' | 'history'>,
  id: string,
): Promise<boolean> {
  const file = fileOf(history.files, { id });
  if (file === undefined) return false;
  const loaded = await loadMigration(project, file);
  return (loaded.form === 'sql' ? loaded.sql.down : loaded.down) !== null;
}
