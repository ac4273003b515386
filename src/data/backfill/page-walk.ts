import type { Position } from '../../ledger/checkpoint.ts';
import { one, type Queryable } from '../../postgres/queryable.ts';
import { inPages, type Leaf } from './leaves.ts';
import type { Walk } from './walk.ts';

/**
 * A sweep costs a look at each row; what the first one writes elsewhere, one part in so many, needs an entry in each index.
 * Measured in test/bench: without indexes one is best, and the more there are, the more sweeps pay. In a table of few pages a
 * sweep costs more than all that it could keep in place, and a partitioned table may have hundreds of those.
 */
const sweepsFor = (pages: number, { indexes, seeChange }: IndexUse): number => {
  if (seeChange || indexes === 0 || pages <= FEW_PAGES) return 1;
  return indexes === 1 ? 4 : 6;
};

const FEW_PAGES = 16;

/** Each sweep changes fewer rows than the one before it: with its new value a row needs more room than it leaves. */
const SHRINK = 0.88;
const SMALLEST_WINDOW = 96;
const LARGEST_WINDOW = 4_096;
const WINDOWS_A_TABLE = 6;
/** Where rows only move elsewhere, a vacuum has to come often, and it comes after a window. */
const WINDOWS_WITHOUT_SWEEPS = 24;

/** Ranges of heap pages in their physical order: sequential, whatever the key is like, also without one. */
export class PageWalk implements Walk {
  readonly kind = 'pages';
  readonly sweeps: number;
  readonly windowUnits: number;
  readonly firstBatch = 64;
  readonly largestBatch: number;
  readonly total: number;
  readonly movedShare: number;
  readonly #pages: number;

  constructor(pages: number, indexes: IndexUse) {
    this.#pages = pages;
    this.sweeps = sweepsFor(pages, indexes);
    const windows = this.sweeps === 1 ? WINDOWS_WITHOUT_SWEEPS : WINDOWS_A_TABLE;
    this.windowUnits = Math.min(LARGEST_WINDOW, Math.max(SMALLEST_WINDOW, Math.ceil(pages / windows)));
    // Between two sweeps over a page some time has to pass, or another worker's snapshot still sees what the first one
    // left behind.
    this.largestBatch = this.sweeps === 1 ? this.windowUnits : Math.ceil(this.windowUnits / 2);
    this.total = pages * this.sweeps;
    this.movedShare = shareUpTo(1, this.sweeps);
  }

  async end(): Promise<Position | null> {
    return this.#pages === 0 ? null : [String(this.#pages)];
  }

  async advance(_db: Queryable, from: Position | null, to: Position, units: number): Promise<Position> {
    return [String(Math.min(page(to), page(from) + units))];
  }

  units(from: Position | null, to: Position): number {
    return page(to) - page(from);
  }

  within(from: Position | null, to: Position, sweep: number): string {
    const range = inPages(page(from), page(to));
    if (sweep >= this.sweeps) return range;
    return `${range} AND pg_catalog.hashtid(ctid) & 1023 < ${Math.round(1_024 * shareUpTo(sweep, this.sweeps))}`;
  }
}

/** The share of its rows that is changed once a sweep is done, of so many. */
function shareUpTo(sweep: number, sweeps: number): number {
  return (1 - SHRINK ** sweep) / (1 - SHRINK ** sweeps);
}

const page = (position: Position | null): number => Number(position?.[0] ?? 0);

/** The indexes of a table, as far as a change of some columns concerns them. */
export interface IndexUse {
  readonly indexes: number;
  /** One has such a column in its key, its included columns, an expression or its condition: each change needs entries. */
  readonly seeChange: boolean;
}

export function indexUse(db: Queryable, leaf: Leaf, columns: readonly string[]): Promise<IndexUse> {
  return one(
    db,
    `SELECT pg_catalog.count(*)::int AS indexes, coalesce(pg_catalog.bool_or(EXISTS (
       SELECT 1 FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attname = ANY ($2) AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS (
         SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
           AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)))), false) AS "seeChange"
     FROM pg_index i WHERE i.indrelid = $1::oid AND i.indislive`,
    [leaf.oid, columns],
  );
}
