import { setTimeout as sleep } from 'node:timers/promises';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { codeOf, isRetryable, sqlState } from '../postgres/errors.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { type LockPatience, pauseAfter } from '../postgres/retry.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { countRows } from './count.ts';
import { FIRST_BATCH_PAGES, Pace } from './pace.ts';
import { type HeapPlace, heapPlace, inPages, type Leaf, leavesOf } from './walk.ts';

/** What to write, and which rows still need it. */
export interface BackfillRequest {
  /** Quoted SQL: `"public"."users"`. */
  readonly table: string;
  /** New values as SQL expressions, by column. */
  readonly set: Readonly<Record<string, string>>;
  /** Condition that is true for a row that still needs it, and false once it has it. */
  readonly where: string;
}

export interface BackfillSettings {
  /** Identifies the checkpoint: id of the migration, and the backfill within it. */
  readonly migration: string;
  readonly part: string;
  /** How long a batch may hold its row locks, in milliseconds. */
  readonly batchDurationMs: number;
  readonly patience: LockPatience;
  onProgress(progress: BackfillProgress): void;
}

/** How far a backfill has come. */
export interface BackfillProgress {
  readonly table: string;
  readonly rows: number;
  readonly page: number;
  readonly pages: number;
}

export interface BackfillResult {
  readonly rows: number;
  /** Rows that still need it: 0, or the backfill has failed. */
  readonly remaining: number;
}

interface Checkpoint extends HeapPlace {
  nextPage: number;
  endPage: number;
  rows: number;
  passes: number;
  batchPages: number;
}

/** Below deadlock_timeout: a batch gives way before a client of the application is made to. */
const BATCH_LOCK_TIMEOUT_MS = 400;
/** How often the whole table is walked again when rows are left. */
const MOST_PASSES = 5;

/**
 * Writes a value into every row that still needs it, in short transactions over ranges of heap pages, in their physical
 * order. Rows that move meanwhile are safe where a trigger keeps them right on every update. Each checkpoint commits
 * with its batch, so a killed backfill goes on where it was.
 * @param db a connection that is not in a transaction.
 * @throws PH5009 when rows are left in the end, PH4002 when a batch never gets its locks.
 */
export async function runBackfill(
  db: Queryable,
  request: BackfillRequest,
  settings: BackfillSettings,
): Promise<BackfillResult> {
  let rows = 0;
  for (let pass = 1; ; pass++) {
    let changed = 0;
    for (const leaf of await leavesOf(db, request.table)) changed += await walkLeaf(db, leaf, request, settings, pass);
    rows += changed;
    const remaining = await countRows(db, request.table, request.where);
    if (remaining === 0) {
      await db.query('UPDATE phase.backfills SET done = true WHERE migration = $1 AND part = $2', [
        settings.migration,
        settings.part,
      ]);
      return { rows, remaining };
    }
    if (pass === MOST_PASSES || (changed === 0 && pass > 1)) {
      const reason =
        changed === 0 ? 'A walk over the whole table changed nothing and left them.' : 'They came back while it ran.';
      throw new PhaseError('PH5009', { table: request.table, mismatches: remaining, reason });
    }
  }
}

/** Walks one table from its checkpoint to the end that was fixed when the walk began; gives the rows changed now. */
async function walkLeaf(
  db: Queryable,
  leaf: Leaf,
  request: BackfillRequest,
  settings: BackfillSettings,
  pass: number,
): Promise<number> {
  let at = await openCheckpoint(db, leaf, settings, pass);
  if (at === null) return 0;
  const before = at.rows;
  const pace = new Pace(settings.batchDurationMs, at.batchPages);
  for (let failures = 0; at.nextPage < at.endPage; ) {
    try {
      const place: HeapPlace | null = await batch(db, leaf, request, settings, at, pace);
      if (place !== null) at = await restart(db, leaf, settings, at, place);
      failures = 0;
    } catch (error) {
      if (!isRetryable(error) && codeOf(error) !== sqlState.queryCanceled) throw error;
      failures++;
      if (failures >= settings.patience.attempts) {
        throw new PhaseError(
          'PH4002',
          { what: `A batch of the backfill of ${leaf.name}`, attempts: failures, blockers: [] },
          { cause: error },
        );
      }
      pace.split();
      await sleep(pauseAfter(failures));
    }
    settings.onProgress({
      table: leaf.name,
      rows: at.rows,
      page: Math.min(at.nextPage, at.endPage),
      pages: at.endPage,
    });
  }
  return at.rows - before;
}

/** One batch and its checkpoint; gives the table's new place instead when its file was replaced in between. */
async function batch(
  db: Queryable,
  leaf: Leaf,
  { set, where }: BackfillRequest,
  settings: BackfillSettings,
  at: Checkpoint,
  pace: Pace,
): Promise<HeapPlace | null> {
  const pages = Math.min(pace.pages, at.endPage - at.nextPage);
  const next = at.nextPage + pages;
  const assignments = Object.entries(set).map(([column, value]) => `${quoteIdent(column)} = ${value}`);
  const began = performance.now();
  const moved = await inTransaction(db, async () => {
    await db.query(
      `SET LOCAL lock_timeout = ${BATCH_LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = ${Math.max(5_000, settings.batchDurationMs * 20)}`,
    );
    const { rowCount } = await db.query(
      `UPDATE ONLY ${leaf.name} SET ${assignments.join(', ')} WHERE ${inPages(at.nextPage, next)} AND (${where})`,
    );
    // The update's lock keeps the file in place from here on; what was replaced before it was not the walk's pages.
    const place = await heapPlace(db, leaf.oid);
    if (place !== null && place.filenode !== at.filenode) return place;
    const rows = at.rows + (rowCount ?? 0);
    await saveCheckpoint(db, leaf, settings, { ...at, nextPage: next, rows, batchPages: pace.pages });
    at.rows = rows;
    return null;
  });
  if (moved === null) {
    pace.took(pages, performance.now() - began);
    at.nextPage = next;
    at.batchPages = pace.pages;
  }
  return moved;
}

async function openCheckpoint(
  db: Queryable,
  leaf: Leaf,
  settings: BackfillSettings,
  pass: number,
): Promise<Checkpoint | null> {
  const place = await heapPlace(db, leaf.oid);
  if (place === null) return null;
  const [known] = await all<Checkpoint>(
    db,
    `SELECT filenode::int8::float8 AS filenode, end_page::float8 AS pages, next_page::float8 AS "nextPage", end_page::float8 AS "endPage",
       rows::float8 AS rows, passes, batch_pages::float8 AS "batchPages"
     FROM phase.backfills WHERE migration = $1 AND part = $2 AND table_oid = $3::oid`,
    [settings.migration, settings.part, leaf.oid],
  );
  const isSameWalk = known !== undefined && known.filenode === place.filenode && pass === 1;
  if (isSameWalk) return known;
  const fresh: Checkpoint = {
    ...place,
    nextPage: 0,
    endPage: place.pages,
    rows: known?.rows ?? 0,
    passes: (known?.passes ?? 0) + 1,
    batchPages: known?.batchPages ?? FIRST_BATCH_PAGES,
  };
  await saveCheckpoint(db, leaf, settings, fresh);
  return fresh;
}

/** CLUSTER or VACUUM FULL in between: rows that were done may now lie on pages that were not, so the walk begins anew. */
async function restart(
  db: Queryable,
  leaf: Leaf,
  settings: BackfillSettings,
  at: Checkpoint,
  place: HeapPlace,
): Promise<Checkpoint> {
  const again = { ...at, ...place, nextPage: 0, endPage: place.pages };
  await saveCheckpoint(db, leaf, settings, again);
  return again;
}

async function saveCheckpoint(
  db: Queryable,
  leaf: Leaf,
  { migration, part }: BackfillSettings,
  at: Checkpoint,
): Promise<void> {
  await db.query(
    `INSERT INTO phase.backfills (migration, part, table_oid, table_name, filenode, next_page, end_page, batch_pages, rows, passes)
     VALUES ($1, $2, $3::oid, $4, $5::int8::oid, $6, $7, $8, $9, $10)
     ON CONFLICT (migration, part, table_oid) DO UPDATE SET filenode = excluded.filenode, next_page = excluded.next_page,
       end_page = excluded.end_page, batch_pages = excluded.batch_pages, rows = excluded.rows, passes = excluded.passes,
       done = false, updated_at = clock_timestamp()`,
    [migration, part, leaf.oid, leaf.name, at.filenode, at.nextPage, at.endPage, at.batchPages, at.rows, at.passes],
  );
}
