import type { RunProgress } from '../../domain/run-progress.ts';

/** Over how long the rate is taken. */
const WINDOW_MS = 10_000;

/** Turns what batches do into a rate and the time that is left. */
export class ProgressMeter {
  readonly #table: string;
  readonly #totalUnits: number;
  readonly #totalRows: number | null;
  readonly #marks: { readonly at: number; readonly rows: number; readonly units: number }[];
  #rows: number;
  #units: number;

  constructor(table: string, at: { units: number; rows: number; totalUnits: number; totalRows: number | null }) {
    this.#table = table;
    this.#rows = at.rows;
    this.#units = at.units;
    this.#totalUnits = at.totalUnits;
    this.#totalRows = at.totalRows;
    this.#marks = [{ at: performance.now(), rows: at.rows, units: at.units }];
  }

  add(rows: number, units: number): void {
    this.#rows += rows;
    this.#units += units;
    const now = performance.now();
    this.#marks.push({ at: now, rows: this.#rows, units: this.#units });
    while (this.#marks.length > 2 && now - (this.#marks[1]?.at ?? now) > WINDOW_MS) this.#marks.shift();
  }

  /** @param lagMs of the furthest replica; @param waitingFor why it waits now. */
  now(lagMs: number | null, waitingFor: string | null): RunProgress {
    const first = this.#marks[0] ?? { at: 0, rows: 0, units: 0 };
    const elapsed = Math.max(1, performance.now() - first.at) / 1_000;
    const unitRate = (this.#units - first.units) / elapsed;
    const left = Math.max(0, this.#totalUnits - this.#units);
    return {
      table: this.#table,
      rows: this.#rows,
      total: this.#totalRows,
      done: this.#totalUnits === 0 ? 1 : Math.min(1, this.#units / this.#totalUnits),
      rate: Math.round((this.#rows - first.rows) / elapsed),
      eta: left === 0 ? 0 : unitRate === 0 ? null : Math.round(left / unitRate),
      lag: lagMs === null ? null : Math.round(lagMs) / 1_000,
      waitingFor,
    };
  }
}
