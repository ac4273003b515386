import { SingleBar } from 'cli-progress';
import { printable } from '../domain/printable.ts';
import type { RunProgress } from '../ledger/runs.ts';
import { formatDuration } from '../project/duration.ts';
import type { Reporter } from '../runner/reporter.ts';
import type { Output } from './output.ts';

/** Tells a person, or a log, what a run does: a bar on a terminal, otherwise a line of JSON a second for backfills. */
export class TerminalReporter implements Reporter {
  readonly #output: Output;
  #bar: SingleBar | null = null;
  #lastLine = 0;
  #lastHolder = '';

  constructor(output: Output) {
    this.#output = output;
  }

  waitingForLock(holder: string): void {
    if (holder !== this.#lastHolder) this.#output.notice(`Waiting for the lock, held by ${holder}.`);
    this.#lastHolder = holder;
  }

  stepStarted(id: string): void {
    this.#output.notice(`${this.#output.paint('dim', '..')} ${id}`);
  }

  stepDone(id: string, durationMs: number): void {
    this.#closeBar();
    this.#output.notice(
      `${this.#output.paint('green', 'ok')} ${id} ${this.#output.paint('dim', formatDuration(durationMs))}`,
    );
  }

  gate(rename: string, phase: number): void {
    this.#output.notice(`   gate of phase ${phase} of ${rename}: counting mismatches`);
  }

  lockRetry(_id: string, attempt: number, pauseMs: number, blockers: readonly string[]): void {
    const held = blockers.length === 0 ? '' : `, held by ${blockers.join('; ')}`;
    this.#output.notice(`   no lock in try ${attempt}${held}; next try in ${formatDuration(pauseMs)}`);
  }

  backfill(id: string, progress: RunProgress): void {
    if (this.#output.options.quiet) return;
    if (this.#output.stderr.isTTY === true && !this.#output.options.json) this.#drawBar(progress);
    else this.#writeLine(id, progress);
    if (progress.done >= 1) this.#closeBar();
  }

  log(_id: string, message: string): void {
    this.#output.notice(`   ${message}`);
  }

  notice(message: string): void {
    this.#output.notice(`${this.#output.paint('yellow', 'note')} ${message}`);
  }

  #drawBar(progress: RunProgress): void {
    const { table, rows, done, rate, eta, lag, waitingFor } = progress;
    const left = eta === null ? '?' : formatDuration(eta * 1_000);
    const behind = lag === null ? '' : ` | replica ${lag.toFixed(1)} s behind`;
    const state = waitingFor === null ? `${rate} rows/s${behind} | ${left} left` : `waiting: ${waitingFor}`;
    const payload = { table: printable(table), rows, state: printable(state) };
    if (!this.#bar) {
      const format = '   {table} [{bar}] {percentage}% | {rows} rows | {state}';
      this.#bar = new SingleBar({ format, stream: this.#output.stderr as NodeJS.WriteStream, hideCursor: true });
      this.#bar.start(1_000, Math.round(done * 1_000), payload);
    }
    this.#bar.update(Math.round(done * 1_000), payload);
  }

  #writeLine(id: string, progress: RunProgress): void {
    const now = Date.now();
    if (now - this.#lastLine < 1_000) return;
    this.#lastLine = now;
    this.#output.notice(JSON.stringify({ name: id, ...progress, done: Number(progress.done.toFixed(3)) }));
  }

  #closeBar(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}
