import { quoteIdent } from '../../domain/identifier.ts';
import { all, one, type Queryable } from '../../postgres/queryable.ts';
import { inPages, type Leaf } from './leaves.ts';

/** A place in a walk: `[page]`, or the values of a key as text. */
export type Position = readonly string[];

/** A way over the rows of one table, each row within one of its ranges. */
export interface Walk {
  readonly kind: 'pages' | 'keys';
  /**
   * How often a window is gone through. In each sweep but the last only a part of the rows is changed: what they leave
   * behind is cleared when PostgreSQL reads the page again, so later sweeps find room on the row's own page, and
   * neither file nor indexes have to grow.
   */
  readonly sweeps: number;
  /** Units that the first batch takes, and that any batch takes at most. */
  readonly firstBatch: number;
  readonly largestBatch: number;
  /** How many units there are, for progress. */
  readonly total: number;
  /** Where it ends; null when there is nothing. */
  end(db: Queryable): Promise<Position | null>;
  /** Where a range of so many units ends that begins at `from`; `to` when it would go beyond. */
  advance(db: Queryable, from: Position | null, to: Position, units: number): Promise<Position>;
  /** Units between two places of which the second was `advance`d to; for keys what was asked for. */
  units(from: Position | null, to: Position, asked: number): number;
  /** SQL that is true for the rows of a range that a sweep changes; sweeps count from 1. */
  within(from: Position | null, to: Position, sweep: number): string;
  readonly windowUnits: number;
  /** The share of the rows that finds no room on its own page and needs room elsewhere. */
  readonly movedShare: number;
}

/**
 * A sweep costs a look at each row; what the first one writes elsewhere, one part in so many, needs an entry in each index.
 * Measured in test/bench: without indexes one is best, and the more there are, the more sweeps pay.
 */
const sweepsFor = ({ indexes, seeChange }: IndexUse): number => {
  if (seeChange || indexes === 0) return 1;
  return indexes === 1 ? 4 : 6;
};

/** Each sweep changes fewer rows than the one before it: with its new value a row needs more room than it leaves. */
const SHRINK = 0.88;
const SMALLEST_WINDOW = 96;
const LARGEST_WINDOW = 4_096;
const WINDOWS_A_TABLE = 6;

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
    this.sweeps = sweepsFor(indexes);
    this.windowUnits = Math.min(LARGEST_WINDOW, Math.max(SMALLEST_WINDOW, Math.ceil(pages / WINDOWS_A_TABLE)));
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

/** A column of a key, as SQL. */
export interface KeyColumn {
  readonly name: string;
  readonly type: string;
}

/** Ranges of a unique key, where the table's access method has no pages, or each row has to be met exactly once. */
export class KeyWalk implements Walk {
  readonly kind = 'keys';
  readonly sweeps = 1;
  readonly movedShare = 1;
  readonly windowUnits = 50_000;
  readonly firstBatch = 100;
  readonly largestBatch = 20_000;
  readonly total: number;
  readonly #table: string;
  readonly #columns: readonly KeyColumn[];

  constructor({ name }: Leaf, columns: readonly KeyColumn[], rows: number) {
    this.#table = name;
    this.#columns = columns;
    this.total = Math.max(0, Math.round(rows));
  }

  async end(db: Queryable): Promise<Position | null> {
    const order = this.#columns.map(({ name }) => `${quoteIdent(name)} DESC`).join(', ');
    const [last] = await all<{ key: string[] }>(
      db,
      `SELECT ${this.#asText()} AS key FROM ONLY ${this.#table} ORDER BY ${order} LIMIT 1`,
    );
    return last?.key ?? null;
  }

  async advance(db: Queryable, from: Position | null, to: Position, units: number): Promise<Position> {
    const [last] = await all<{ key: string[] }>(
      db,
      `SELECT ${this.#asText()} AS key FROM ONLY ${this.#table} WHERE ${this.within(from, to)}
       ORDER BY ${this.#names()} OFFSET ${units - 1} LIMIT 1`,
    );
    return last?.key ?? to;
  }

  units(_from: Position | null, _to: Position, asked: number): number {
    return asked;
  }

  within(from: Position | null, to: Position): string {
    const upper = `(${this.#names()}) <= (${this.#values(to)})`;
    return from === null ? upper : `(${this.#names()}) > (${this.#values(from)}) AND ${upper}`;
  }

  #names(): string {
    return this.#columns.map(({ name }) => quoteIdent(name)).join(', ');
  }

  #asText(): string {
    return `ARRAY[${this.#columns.map(({ name }) => `${quoteIdent(name)}::text`).join(', ')}]`;
  }

  #values(position: Position): string {
    return this.#columns.map(({ type }, at) => `${literal(position[at] ?? '')}::${type}`).join(', ');
  }
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The columns of a key by which every row of a table can be reached once: unique, not partial, no NULLs; null: none. */
export async function walkableKey(db: Queryable, leaf: Leaf): Promise<KeyColumn[] | null> {
  const [found] = await all<{ columns: KeyColumn[] }>(
    db,
    `SELECT (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY k.place)
       FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
       WHERE k.place <= i.indnkeyatts) AS columns
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
     WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
       AND am.amname = 'btree' AND NOT EXISTS (SELECT 1 FROM unnest(i.indoption::int2[]) AS o WHERE o <> 0)
       AND NOT EXISTS (SELECT 1 FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) JOIN pg_attribute a
         ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE k.place <= i.indnkeyatts AND NOT a.attnotnull)
     ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1`,
    [leaf.oid],
  );
  return found?.columns ?? null;
}

/** The indexes of a table, as far as a change of some columns concerns them. */
export interface IndexUse {
  readonly indexes: number;
  /** One has such a column in its key, its included columns, an expression or its condition: each change needs entries. */
  readonly seeChange: boolean;
}

export function indexUse(db: Queryable, leaf: Leaf, columns: readonly string[]): Promise<IndexUse> {
  return one(
    db,
    `SELECT count(*)::int AS indexes, coalesce(bool_or(EXISTS (
       SELECT 1 FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attname = ANY ($2) AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS (
         SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
           AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)))), false) AS "seeChange"
     FROM pg_index i WHERE i.indrelid = $1::oid AND i.indislive`,
    [leaf.oid, columns],
  );
}

/** Rows as the statistics estimate them. */
export async function estimatedRows(db: Queryable, leaf: Leaf): Promise<number> {
  const { rows } = await one<{ rows: number }>(
    db,
    'SELECT greatest(reltuples, 0)::float8 AS rows FROM pg_class WHERE oid = $1::oid',
    [leaf.oid],
  );
  return rows;
}
