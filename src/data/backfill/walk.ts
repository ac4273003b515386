import type { Position } from '../../ledger/checkpoint.ts';
import type { Queryable } from '../../postgres/queryable.ts';

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
