import { randomInt } from 'node:crypto';
import type { PhaseError } from '../domain/errors/phase-error.ts';
import { printable } from '../domain/printable.ts';

/** Where a command writes. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

export interface OutputOptions {
  readonly json: boolean;
  readonly color: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** What a command has to say: a document for programs, and the same for people. */
export interface Result {
  readonly document: object;
  /** Lines for people; with `--json` they are not printed. */
  readonly text: string;
  readonly exitCode?: number;
  /** An error that belongs to the result: what was done stands beside it. */
  readonly error?: PhaseError | null;
}

/** The one place that writes to the terminal. stdout carries the result and nothing else. */
export class Output {
  readonly options: OutputOptions;
  readonly #streams: Streams;
  /** What `paint` puts into its codes until they are printed: nobody can know it, and put it into a name. */
  readonly #secret = Array.from({ length: 4 }, () => randomInt(1_000, 10_000)).join(';');

  constructor(streams: Streams, options: OutputOptions) {
    this.#streams = streams;
    this.options = options;
  }

  get stderr(): Streams['stderr'] {
    return this.#streams.stderr;
  }

  result({ document, text, error }: Result): void {
    if (this.options.json) {
      const whole = error ? { ...document, error } : document;
      this.#print('stdout', JSON.stringify(whole, null, 2));
      return;
    }
    if (text !== '') this.#print('stdout', text);
    if (error) this.#print('stderr', this.#errorText(error));
  }

  error(error: PhaseError): void {
    if (this.options.json) this.#print('stdout', JSON.stringify({ error }, null, 2));
    else this.#print('stderr', this.#errorText(error));
  }

  /** Something to know while the command works. */
  notice(text: string): void {
    if (!this.options.quiet) this.#print('stderr', text);
  }

  paint(style: 'bold' | 'dim' | 'red' | 'green' | 'yellow', text: string): string {
    const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] }[style];
    return this.options.color ? `${this.#code(codes[0])}${text}${this.#code(codes[1])}` : text;
  }

  #code(code: number | undefined): string {
    return `\u001b[${code};${this.#secret}m`;
  }

  /** Nothing that a name holds reaches the terminal as a command to it; what `paint` has put in does. */
  #print(stream: 'stdout' | 'stderr', text: string): void {
    const painted = new RegExp(`\\\\u001b\\[(\\d+);${this.#secret}m`, 'g');
    const shown = printable(text).replace(painted, (_whole, code) => `\u001b[${code}m`);
    this.#streams[stream].write(shown.endsWith('\n') ? shown : `${shown}\n`);
  }

  /** Three short lines: what, why, what to do. */
  #errorText(error: PhaseError): string {
    const lines = [
      `${this.paint('red', error.code)} ${error.message}`,
      `  ${error.why}`,
      `  ${this.paint('bold', '->')} ${error.remedy}`,
    ];
    const trace = this.options.verbose
      ? [String(error.cause instanceof Error ? error.cause.stack : (error.cause ?? ''))]
      : [];
    return [...lines, ...trace].filter((line) => line.trim() !== '').join('\n');
  }
}
