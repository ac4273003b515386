import type { SingleBar } from 'cli-progress';
import type { RunEvent } from '../domain/events.ts';
import { printable } from '../domain/printable.ts';
import type { RunProgress } from '../domain/run-progress.ts';
import { formatDuration } from '../project/duration.ts';
import type { Output } from './output.ts';

/** Tells a person, or a log, what a run does: a bar on a terminal, otherwise a line of JSON a second for backfills. */
export class TerminalListener {
  readonly #output: Output;
  /** Null where none is drawn. */
  readonly #Bar: typeof SingleBar | null;
  #bar: SingleBar | null = null;
  #lastLine = 0;
  #lastHolder = '';

  private constructor(output: Output, Bar: typeof SingleBar | null) {
    this.#output = output;
    this.#Bar = Bar;
  }

  /** What draws the bar is loaded only where there is somebody to look at it. */
  static async on(output: Output): Promise<TerminalListener> {
    const { json, quiet } = output.options;
    const isWatched = output.stderr.isTTY === true && !json && !quiet;
    return new TerminalListener(output, isWatched ? (await import('cli-progress')).SingleBar : null);
  }

  /** Prints what there is to say of an event; what the command's result says is not said here. */
  tell(event: RunEvent): void {
    switch (event.type) {
      case 'waitingForLock':
        if (event.holder !== this.#lastHolder) this.#output.notice(`Waiting for the lock, held by ${event.holder}.`);
        this.#lastHolder = event.holder;
        break;
      case 'waiting':
        this.#output.notice(event.message);
        break;
      case 'stepStarted':
        this.#output.notice(`${this.#output.paint('dim', '..')} ${event.id}`);
        break;
      case 'stepDone':
        this.#stepDone(event.id, event.durationMs);
        break;
      case 'stepFailed':
        this.#closeBar();
        break;
      case 'gateStarted':
        this.#output.notice(`   gate of phase ${event.phase} of ${event.rename}: counting mismatches`);
        break;
      case 'gatePassed':
        for (const doubt of event.doubts) this.#notice(`${event.rename}: look at the ${doubt}.`);
        break;
      case 'lockRetry':
        this.#lockRetry(event);
        break;
      case 'progress':
        this.#progress(event.id, event);
        break;
      case 'log':
        this.#output.notice(`   ${event.message}`);
        break;
      case 'notice':
        this.#notice(event.message);
        break;
      case 'hookFailed':
        this.#notice(`The hook ${event.hook} failed: ${event.reason}. What the command did is not touched by it.`);
        break;
      default:
    }
  }

  #notice(message: string): void {
    this.#output.notice(`${this.#output.paint('yellow', 'note')} ${message}`);
  }

  #stepDone(id: string, durationMs: number): void {
    this.#closeBar();
    const took = this.#output.paint('dim', formatDuration(durationMs));
    this.#output.notice(`${this.#output.paint('green', 'ok')} ${id} ${took}`);
  }

  #lockRetry({ attempt, pauseMs, blockers }: Extract<RunEvent, { type: 'lockRetry' }>): void {
    const held = blockers.length === 0 ? '' : `, held by ${blockers.join('; ')}`;
    this.#output.notice(`   no lock in try ${attempt}${held}; next try in ${formatDuration(pauseMs)}`);
  }

  #progress(id: string, progress: RunProgress): void {
    if (this.#output.options.quiet) return;
    if (this.#Bar === null) this.#writeLine(id, progress);
    else this.#drawBar(progress, this.#Bar);
    if (progress.done >= 1) this.#closeBar();
  }

  #drawBar(progress: RunProgress, Bar: typeof SingleBar): void {
    const { table, rows, done, rate, eta, lag, waitingFor } = progress;
    const left = eta === null ? '?' : formatDuration(eta * 1_000);
    const behind = lag === null ? '' : ` | replica ${lag.toFixed(1)} s behind`;
    const state = waitingFor === null ? `${rate} rows/s${behind} | ${left} left` : `waiting: ${waitingFor}`;
    const payload = { table: printable(table), rows, state: printable(state) };
    if (!this.#bar) {
      const format = '   {table} [{bar}] {percentage}% | {rows} rows | {state}';
      this.#bar = new Bar({ format, stream: this.#output.stderr as NodeJS.WriteStream, hideCursor: true });
      this.#bar.start(1_000, Math.round(done * 1_000), payload);
    }
    this.#bar.update(Math.round(done * 1_000), payload);
  }

  #writeLine(id: string, { table, rows, total, done, rate, eta, lag, waitingFor }: RunProgress): void {
    const now = Date.now();
    if (now - this.#lastLine < 1_000) return;
    this.#lastLine = now;
    const line = { name: id, table, rows, total, done: Number(done.toFixed(3)), rate, eta, lag, waitingFor };
    this.#output.notice(JSON.stringify(line));
  }

  #closeBar(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}
