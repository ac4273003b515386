/** The demo's progress, on stderr: one line that is drawn again on a terminal, a line now and then otherwise. */
export class Display {
  readonly #facts: () => string;
  readonly #isTerminal = process.stderr.isTTY === true;
  readonly #began = Date.now();
  readonly #timer: NodeJS.Timeout;
  #doing = '';

  constructor(facts: () => string) {
    this.#facts = facts;
    this.#timer = setInterval(() => this.#draw(), this.#isTerminal ? 200 : 5_000);
    this.#timer.unref();
  }

  /** What is done now. */
  doing(what: string): void {
    this.#doing = what;
    if (!this.#isTerminal) process.stderr.write(`${this.#seconds()} ${what}\n`);
  }

  /** Something that stays on the screen. */
  line(text: string): void {
    process.stderr.write(`${this.#isTerminal ? '\r\u001b[2K' : ''}${this.#seconds()} ${text}\n`);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#isTerminal) process.stderr.write('\r\u001b[2K');
  }

  #draw(): void {
    const text = `${this.#seconds()} ${this.#doing} | ${this.#facts()}`;
    const width = process.stderr.columns ?? 120;
    process.stderr.write(this.#isTerminal ? `\r\u001b[2K${text.slice(0, width - 1)}` : `${text}\n`);
  }

  #seconds(): string {
    return `${((Date.now() - this.#began) / 1_000).toFixed(1).padStart(6)} s`;
  }
}
