import { setTimeout as sleep } from 'node:timers/promises';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { reasonOf } from '../../postgres/errors.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { RunControl } from '../run-control.ts';
import { ArchiveMeter } from './archive.ts';
import { LagMeter } from './lag.ts';

const LOOK_AGAIN_MS = 200;
const LOOK_EVERY_MS = 100;

/** Something that says, in words, why the next batch has to wait; null when it need not. */
export type Signal = () => Promise<string | null> | string | null;

/**
 * What a run looks at before each batch: what it is asked to do, replicas, the archive, a query of the user's. Waits as
 * long as something says so.
 */
export class Throttle {
  readonly #db: Queryable;
  readonly #control: RunControl;
  readonly #lag = new LagMeter();
  readonly #archive = new ArchiveMeter();
  readonly #signals: Signal[] = [];
  #looking: Promise<string | null> | null = null;
  #behind: number | null = null;
  #lastLook = 0;
  #lastReason: string | null = null;

  constructor(db: Queryable, control: RunControl) {
    this.#db = db;
    this.#control = control;
  }

  /** One more thing to look at, until it is taken away. */
  add(signal: Signal): () => void {
    this.#signals.push(signal);
    return () => this.#signals.splice(this.#signals.indexOf(signal), 1);
  }

  /** Milliseconds that the furthest replica was behind when it was last looked at. */
  get behind(): number | null {
    return this.#behind;
  }

  /**
   * Returns when the next batch may begin.
   * @param onWait told why, again and again while it waits.
   * @throws PH5014 when the run is cancelled, PH5015 when the user's query fails.
   */
  async ready(onWait: (reason: string) => Promise<void>): Promise<void> {
    for (;;) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = null;
      });
      const reason = await this.#looking;
      if (reason === null) return;
      await onWait(reason);
      await sleep(LOOK_AGAIN_MS);
    }
  }

  async #look(): Promise<string | null> {
    await this.#control.refresh();
    if (this.#control.request === 'cancel') throw new PhaseError('PH5014', { run: this.#control.number });
    if (this.#control.request === 'pause') return 'paused';
    // What it is asked to do is looked at before each batch, the rest often enough.
    if (this.#lastReason === null && performance.now() - this.#lastLook < LOOK_EVERY_MS) return null;
    this.#lastReason = await this.#firstReason();
    this.#lastLook = performance.now();
    return this.#lastReason;
  }

  async #firstReason(): Promise<string | null> {
    for (const signal of [...this.#signals, this.#replicas, this.#unarchived, this.#query]) {
      const reason = await signal.call(this);
      if (reason !== null) return reason;
    }
    return null;
  }

  async #replicas(): Promise<string | null> {
    this.#behind = await this.#lag.measure(this.#db);
    const { maxLag } = this.#control.settings;
    if (this.#behind === null || this.#behind <= maxLag) return null;
    return `a replica is ${seconds(this.#behind)} behind (maxLag ${seconds(maxLag)})`;
  }

  async #unarchived(): Promise<string | null> {
    const waiting = await this.#archive.measure(this.#db);
    const { maxUnarchived } = this.#control.settings;
    if (waiting === null || waiting <= maxUnarchived) return null;
    return `${waiting} segments of the write-ahead log wait to be archived (maxUnarchived ${maxUnarchived})`;
  }

  async #query(): Promise<string | null> {
    const { throttleQuery } = this.#control.settings;
    if (throttleQuery === null) return null;
    try {
      const [row] = await all<Record<string, unknown>>(this.#db, throttleQuery);
      const value = row === undefined ? null : Object.values(row)[0];
      if (typeof value === 'string' && value !== '') return value;
      return value === true ? 'throttleQuery says so' : null;
    } catch (error) {
      throw new PhaseError('PH5015', { query: throttleQuery, reason: reasonOf(error) }, { cause: error });
    }
  }
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;
