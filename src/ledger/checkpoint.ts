import { quoteLiteral } from '../domain/identifier.ts';
import { all, type LedgerDb, type Queryable } from '../postgres/queryable.ts';
import { isoTime } from '../postgres/time.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { ledgerOf } from './connection.ts';

/** A place in a walk: the number of a page, or the values of a key, as text. */
export type Position = readonly string[];

/** Whose checkpoints they are. */
export interface Part {
  /** Id of the migration, or name and number of a task's run. */
  readonly owner: string;
  /** Which of its backfills. */
  readonly part: string;
}

/** The table, or the partition, that is walked. */
export interface WalkedTable {
  readonly oid: number;
  /** Qualified and quoted. */
  readonly name: string;
}

/** Its file when a walk begins. */
export interface WalkedFile {
  readonly filenode: number;
  readonly pages: number;
}

/** What a checkpoint has to know of a way over a table. */
export interface WalkPlan {
  readonly kind: 'pages' | 'keys';
  readonly firstBatch: number;
  readonly windowUnits: number;
  /** Units that there are. */
  readonly total: number;
  /** Where the walk ends; null when there is nothing. */
  end(db: Queryable): Promise<Position | null>;
  /** Where a range of so many units ends that begins at `from`; `to` when it would go beyond. */
  advance(db: Queryable, from: Position | null, to: Position, units: number): Promise<Position>;
}

/** How far the walk over one table is. */
export interface Course {
  readonly filenode: number;
  readonly walk: WalkPlan['kind'];
  nextFrom: Position | null;
  readonly endAt: Position | null;
  batchSize: number;
  /** Pages when the first walk began. */
  readonly startPages: number;
  readonly units: number;
  readonly totalUnits: number;
  readonly rows: number;
  readonly pass: number;
  readonly done: boolean;
}

/** A range that one worker goes through, batch by batch, sweep by sweep. */
export interface Window {
  readonly number: string;
  readonly startsFrom: Position | null;
  readonly endsAt: Position;
  nextFrom: Position | null;
  sweep: number;
}

const courseOf = (
  ledger: string,
): string => `SELECT filenode::int8::float8 AS filenode, walk, next_from AS "nextFrom", end_at AS "endAt", batch_size::float8 AS "batchSize",
  start_pages::float8 AS "startPages", units::float8 AS units, total_units::float8 AS "totalUnits", rows::float8 AS rows, pass, done
  FROM ${ledger}.backfills WHERE owner = $1 AND part = $2 AND table_oid = $3::oid`;

const WINDOW = `number::text AS number, starts_from AS "startsFrom", ends_at AS "endsAt", next_from AS "nextFrom", sweep`;

/** Reads and writes the checkpoints of one walk. */
export class Checkpoint {
  readonly #values: readonly [string, string, number];
  readonly #leaf: WalkedTable;

  constructor({ owner, part }: Part, leaf: WalkedTable) {
    this.#values = [owner, part, leaf.oid];
    this.#leaf = leaf;
  }

  async course(db: LedgerDb): Promise<Course | null> {
    return (await all<Course>(db, courseOf(ledgerOf(db)), [...this.#values]))[0] ?? null;
  }

  /** Windows that somebody had begun. */
  windows(db: LedgerDb): Promise<Window[]> {
    return all(
      db,
      `SELECT ${WINDOW} FROM ${ledgerOf(db)}.windows WHERE owner = $1 AND part = $2 AND table_oid = $3::oid ORDER BY windows.number`,
      [...this.#values],
    );
  }

  /** Begins a walk, the first one or one more; what was counted stays. */
  async begin(db: LedgerDb, place: WalkedFile, walk: WalkPlan, pass: number): Promise<Course> {
    const end = await walk.end(db);
    await inTransaction(db, async () => {
      await db.query(`DELETE FROM ${ledgerOf(db)}.windows WHERE owner = $1 AND part = $2 AND table_oid = $3::oid`, [
        ...this.#values,
      ]);
      await db.query(
        `INSERT INTO ${ledgerOf(db)}.backfills AS b (owner, part, table_oid, table_name, filenode, walk, end_at, batch_size, start_pages, total_units, pass)
         VALUES ($1, $2, $3::oid, $4, $5::int8::oid, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (owner, part, table_oid) DO UPDATE SET filenode = excluded.filenode, walk = excluded.walk, next_from = NULL,
           end_at = excluded.end_at, units = 0, total_units = excluded.total_units, pass = excluded.pass, done = false,
           start_pages = CASE WHEN b.filenode = excluded.filenode THEN b.start_pages ELSE excluded.start_pages END,
           updated_at = pg_catalog.clock_timestamp()`,
        [
          ...this.#values,
          this.#leaf.name,
          place.filenode,
          walk.kind,
          end,
          walk.firstBatch,
          place.pages,
          walk.total,
          pass,
        ],
      );
    });
    const [course] = await all<Course>(db, courseOf(ledgerOf(db)), [...this.#values]);
    if (course === undefined) throw new Error('A checkpoint that was just written is not there.');
    return course;
  }

  /** Takes the next window; null at the end. Only one worker at a time asks. */
  async claim(db: LedgerDb, course: Course, walk: WalkPlan): Promise<Window | null> {
    const from = course.nextFrom;
    if (course.endAt === null || isSame(from, course.endAt)) return null;
    const to = await walk.advance(db, from, course.endAt, walk.windowUnits);
    const [window] = await all<Window>(
      db,
      `WITH course AS (UPDATE ${ledgerOf(db)}.backfills SET next_from = $5 WHERE owner = $1 AND part = $2 AND table_oid = $3::oid)
       INSERT INTO ${ledgerOf(db)}.windows (owner, part, table_oid, starts_from, ends_at, next_from) VALUES ($1, $2, $3::oid, $4, $5, $4)
       RETURNING ${WINDOW}`,
      [...this.#values, from, to],
    );
    course.nextFrom = to;
    return window ?? null;
  }

  /**
   * SQL that enters a batch, in its transaction and last of all, since workers share the row of the walk. As text with
   * its values, so that it goes to the server together with the COMMIT. It changes no row when the table's file was
   * replaced since the walk began: then the batch was not where it thought.
   */
  entry(db: LedgerDb, course: Course, window: Window, { rows, units, batchSize, next }: Progressed): string {
    const ledger = ledgerOf(db);
    const [owner, part, table] = this.#values;
    const walk = `owner = ${quoteLiteral(owner)} AND part = ${quoteLiteral(part)} AND table_oid = ${table}::oid`;
    const same =
      course.walk === 'pages' ? `WHERE pg_catalog.pg_relation_filenode(${table}::oid)::int8 = ${course.filenode}` : '';
    const own = `${walk} AND number = ${window.number}`;
    const from = next === null || next.from === null ? 'NULL' : `ARRAY[${next.from.map(quoteLiteral).join(', ')}]`;
    const change =
      next === null
        ? `DELETE FROM ${ledger}.windows USING same WHERE ${own}`
        : `UPDATE ${ledger}.windows SET next_from = ${from}, sweep = ${next.sweep} FROM same WHERE ${own}`;
    return `WITH same AS (SELECT ${same}), moved AS (${change})
      UPDATE ${ledger}.backfills SET rows = rows + ${rows}, units = units + ${units}, batch_size = ${batchSize}, updated_at = pg_catalog.clock_timestamp()
      FROM same WHERE ${walk}`;
  }
}

/** What a batch has done, and where its window goes on. */
export interface Progressed {
  readonly rows: number;
  readonly units: number;
  readonly batchSize: number;
  /** Null: the window is complete. */
  readonly next: { readonly from: Position | null; readonly sweep: number } | null;
}

export function isSame(one: Position | null, other: Position | null): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

/** Says that all walks of a part are complete. @returns false where that was said before. */
export async function endWalks(db: LedgerDb, { owner, part }: Part): Promise<boolean> {
  const sql = `UPDATE ${ledgerOf(db)}.backfills SET done = true WHERE owner = $1 AND part = $2 AND NOT done`;
  return (await db.query(sql, [owner, part])).rowCount !== 0;
}

/** Tables that the walks of an owner have been over, by oid. */
export async function walkedTables(db: LedgerDb, owner: string): Promise<Set<number>> {
  const sql = `SELECT table_oid::int8::text AS oid FROM ${ledgerOf(db)}.backfills WHERE owner = $1`;
  return new Set((await all<{ oid: string }>(db, sql, [owner])).map(({ oid }) => Number(oid)));
}

/** The query whose rows say what the walks of a part have done; $1 to $4 are owner, part, rows that are left and what became of triggers. */
export function walkSummary(db: LedgerDb): string {
  return `
  SELECT table_name AS "table", rows, pass AS passes, $3::bigint AS remaining, $4::text AS triggers,
    ${isoTime('started_at')} AS started_at,
    ${isoTime('pg_catalog.clock_timestamp()')} AS finished_at
  FROM ${ledgerOf(db)}.backfills WHERE owner = $1 AND part = $2 ORDER BY table_name`;
}
