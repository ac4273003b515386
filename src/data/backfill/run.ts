import type pg from 'pg';
import { ensureTrustedCode } from '../../catalog/foreign-code.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Mapping } from '../../domain/mapping.ts';
import type { Move } from '../../domain/move.ts';
import type { Rename } from '../../domain/rename.ts';
import type { RunProgress } from '../../domain/run-progress.ts';
import type { RunSettings } from '../../domain/run-settings.ts';
import { Checkpoint, type Part } from '../../ledger/checkpoint.ts';
import type { Connection } from '../../postgres/connection.ts';
import { codeOf, sqlState } from '../../postgres/errors.ts';
import type { LedgerDb, Queryable } from '../../postgres/queryable.ts';
import type { LockPatience } from '../../postgres/retry.ts';
import { countRows } from '../count.ts';
import type { RunControl } from '../run-control.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { WaiterWatch } from '../throttle/waiters.ts';
import { walkOf } from './choose-walk.ts';
import { movedBy, withCounterparts } from './counterparts.ts';
import { handleExactly, type TriggerFate, type TriggerHandling } from './exact.ts';
import { Growth, mayVacuum } from './growth.ts';
import { estimatedRows } from './key-walk.ts';
import { heapPlace, type Leaf, leavesOf } from './leaves.ts';
import { Pool } from './pool.ts';
import { ProgressMeter } from './progress.ts';
import { ensureMayQuiet, mayQuiet, QUIET } from './quiet.ts';
import { ensureNoUpdateRules } from './rules.ts';
import { type Change, type LeafWalk, TableMoved } from './worker.ts';

/** What to write, where, and which rows still need it. */
export interface BackfillRequest extends Partial<RunSettings> {
  /** The table, as in SQL. */
  readonly table: string;
  /** New values as SQL expressions, by column. */
  readonly set: Readonly<Record<string, string>>;
  /** Condition that is true for a row that still needs it, and false once it has it. */
  readonly where: string;
  /**
   * Keep the application's triggers quiet (`session_replication_role`), where the role may. Those ENABLE ALWAYS fire all
   * the same. Foreign keys are not checked for the rows written.
   */
  readonly quietTriggers?: boolean;
  /**
   * Nothing else of a row changes: the application's triggers are kept quiet where the role may; where it may not, what they change of a row is put
   * back. The values set have to be the same when they are computed twice.
   */
  readonly exact?: boolean;
  /** By ranges of heap pages, where the table has them, or of a unique key. */
  readonly walk?: 'pages' | 'keys';
}

/** What a backfill works with. */
export interface BackfillTools extends Part {
  /** Not in a transaction; the first worker's. */
  readonly db: LedgerDb;
  /** Another one, for what has to be seen while batches run. */
  readonly side: Queryable;
  /** Opens a connection for a further worker. */
  connect(): Promise<Connection>;
  readonly patience: LockPatience;
  readonly control: RunControl;
  readonly throttle: Throttle;
  /** Names of triggers that leave a row as it is when it holds what is set. */
  readonly ownTriggers: readonly string[];
  /** Renames that may be under way, but for the one whose own backfill it is. */
  readonly renames: readonly Rename[];
  readonly mappings: readonly Mapping[];
  readonly moves: readonly Move[];
  /** Marks its walks as done. */
  finish(result: BackfillResult): Promise<void>;
  onProgress(progress: RunProgress): void;
  /** Something that an operator should know. */
  onNotice(message: string): void;
}

export interface BackfillResult {
  /** Rows changed now. */
  readonly rows: number;
  /** Rows that still need it: 0, or the backfill has failed. */
  readonly remaining: number;
  readonly passes: number;
  /** What became of the application's triggers. */
  readonly triggers: TriggerFate;
}

/** How often the whole table is walked again when rows are left. */
const MOST_PASSES = 5;

/**
 * Writes a value into every row that still needs it, in short transactions over ranges of the table. Rows that move
 * meanwhile are safe where a trigger keeps them right on every update. Each checkpoint commits with its batch, so a
 * killed backfill goes on where it was.
 * @throws PH5009 when rows are left in the end, PH4002 when a batch never gets its locks, PH5013 when the table is gone,
 * PH2022 when its triggers would run code of another role, PH5014 when it is cancelled, PH5016 when the role may not keep triggers quiet, PH2017 for tables that cannot be walked, or whose
 * updates a rule rewrites.
 */
export async function runBackfill(request: BackfillRequest, tools: BackfillTools): Promise<BackfillResult> {
  const { table, where, quietTriggers = false, exact = false, walk, ...settings } = request;
  tools.control.prefer(settings);
  if (quietTriggers) await ensureMayQuiet(tools.db);
  const move = await movedBy(tools.db, request, tools.moves);
  if (move !== null && (exact || quietTriggers))
    tools.onNotice(`${move}: triggers are not kept quiet, since what is written here has to reach the other table.`);
  const isQuiet = move === null && (exact ? await mayQuiet(tools.db) : quietTriggers);
  await ensureNoUpdateRules(tools.db, table, isQuiet);
  await ensureTrustedCode(tools.db, table, { isQuiet });
  const set = exact || quietTriggers ? await wholeSet(tools, request) : request.set;
  const triggers = exact ? await handleExactly(table, set, { ...tools, isQuiet }) : handleAsAsked(isQuiet);
  const change = { set, where, settings: triggers.settings };
  const waiters = new WaiterWatch(tools.side, () => tools.control.settings.batchDuration);
  try {
    return await inPasses(tools, { table, change, walk, waiters, triggers, rows: 0 });
  } catch (error) {
    if (codeOf(error) !== sqlState.undefinedTable) throw error;
    await leavesOf(tools.db, table);
    throw error;
  } finally {
    waiters.stop();
    // Also where it has failed; where this fails, too, the next run takes it away.
    await triggers.end().catch(() => undefined);
  }
}

async function wholeSet(
  { db, renames, mappings, onNotice }: BackfillTools,
  request: BackfillRequest,
): Promise<BackfillRequest['set']> {
  const { set, notices } = await withCounterparts(db, request, { renames, mappings });
  notices.forEach(onNotice);
  return set;
}

function handleAsAsked(quietTriggers: boolean): TriggerHandling {
  const settings = quietTriggers ? [QUIET] : [];
  return { fate: quietTriggers ? 'quiet' : 'fired', settings, end: async () => undefined };
}

interface Job {
  readonly table: string;
  readonly change: Change;
  readonly walk: BackfillRequest['walk'];
  readonly waiters: WaiterWatch;
  readonly triggers: TriggerHandling;
  /** Rows changed so far. */
  rows: number;
}

/** Until a count over the whole table finds no row left, as long as each pass leaves fewer than the one before. */
async function inPasses(tools: BackfillTools, job: Job): Promise<BackfillResult> {
  const { table, change } = job;
  let before = Number.POSITIVE_INFINITY;
  for (let pass = 1; ; pass++) {
    await walkTable(tools, job, pass);
    const remaining = await countLeft(tools, table, change.where);
    if (remaining === 0) {
      // Before it counts as done: a killed run makes the trigger again, and takes it away.
      await job.triggers.end();
      const result = { rows: job.rows, remaining, passes: pass, triggers: job.triggers.fate };
      await tools.finish(result);
      return result;
    }
    if (pass === MOST_PASSES || remaining >= before) {
      const reason =
        remaining >= before
          ? 'A walk over the whole table did not make them fewer.'
          : 'They came back while it ran, again and again.';
      throw new PhaseError('PH5009', { table, mismatches: remaining, reason });
    }
    before = remaining;
  }
}

/** With as many connections as work on it. */
async function countLeft({ db, connect, control }: BackfillTools, table: string, where: string): Promise<number> {
  const further: pg.Client[] = [];
  try {
    while (further.length + 1 < control.settings.workers) further.push(await connect());
    return await countRows([db, ...further], table, where);
  } finally {
    for (const client of further) await client.end().catch(() => undefined);
  }
}

/** All leaves, also those that come meanwhile; one that goes meanwhile is left out. */
async function walkTable(tools: BackfillTools, job: Job, pass: number): Promise<void> {
  const walked = new Set<number>();
  for (;;) {
    const leaves = (await leavesOf(tools.db, job.table)).filter(({ oid }) => !walked.has(oid));
    if (leaves.length === 0) return;
    for (const leaf of leaves) {
      walked.add(leaf.oid);
      await walkWhileThere(tools, job, leaf, pass);
    }
  }
}

async function walkWhileThere(tools: BackfillTools, job: Job, leaf: Leaf, pass: number): Promise<void> {
  try {
    await walkLeaf(tools, job, leaf, pass);
  } catch (error) {
    const isGone = codeOf(error) === sqlState.undefinedTable && (await heapPlace(tools.db, leaf.oid)) === null;
    if (!isGone) throw error;
    // The whole table, too? Then this says so.
    await leavesOf(tools.db, job.table);
  }
}

/** One table from its checkpoint to the end that was fixed when the walk began; anew when its file is replaced. */
async function walkLeaf(tools: BackfillTools, job: Job, leaf: Leaf, pass: number): Promise<void> {
  const checkpoint = new Checkpoint(tools, leaf);
  const asked = { columns: Object.keys(job.change.set), walk: job.walk };
  for (let isFirst = true; ; isFirst = false) {
    const place = await heapPlace(tools.db, leaf.oid);
    if (place === null) return;
    const known = await checkpoint.course(tools.db);
    const isSameFile = known !== null && (known.walk === 'keys' || known.filenode === place.filenode);
    const goesOn = isFirst && pass === 1 && isSameFile;
    const walk = await walkOf(tools.db, leaf, asked, goesOn ? known : null, place);
    const course = goesOn ? known : await checkpoint.begin(tools.db, place, walk, (known?.pass ?? 0) + 1);
    try {
      return await walkCourse(tools, job, { leaf, checkpoint, course, walk });
    } catch (error) {
      if (!(error instanceof TableMoved)) throw error;
    }
  }
}

type Walked = Pick<LeafWalk, 'leaf' | 'checkpoint' | 'course' | 'walk'>;

async function walkCourse(tools: BackfillTools, job: Job, walked: Walked): Promise<void> {
  const { db, side, control, throttle, patience } = tools;
  const { leaf, course, checkpoint } = walked;
  const growth = await growthOf(tools, walked);
  const totalRows = await estimatedRows(db, leaf);
  const meter = new ProgressMeter(leaf.name, { ...course, totalRows: totalRows > 0 ? totalRows : null });
  const tell = async (waitingFor: string | null): Promise<void> => {
    const progress = meter.now(throttle.behind, waitingFor);
    tools.onProgress(progress);
    await control.report(progress);
  };
  const task = {
    ...walked,
    change: job.change,
    patience,
    settings: () => control.settings,
    async changed(rows: number, units: number) {
      job.rows += rows;
      meter.add(rows, units);
      await tell(null);
    },
  };
  const forget = throttle.add(() => growth?.reason(side) ?? null);
  try {
    const begun = await checkpoint.windows(db);
    const pool = new Pool({ db, connect: tools.connect, begun, waiters: job.waiters, growth }, task, () =>
      throttle.ready(tell),
    );
    await pool.run();
  } finally {
    forget();
  }
}

async function growthOf(
  { db, control, onNotice }: BackfillTools,
  { leaf, course, walk }: Walked,
): Promise<Growth | null> {
  if (!leaf.hasPages) return null;
  if (await mayVacuum(db, leaf))
    return new Growth(leaf, course.startPages, walk.movedShare, () => control.settings.maxGrowth);
  onNotice(`The role may not vacuum ${leaf.name}, so only autovacuum keeps it from growing.`);
  return null;
}
