import { confirm, input, search } from '@inquirer/prompts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { CommandContext } from './context.ts';

/** A question, and the flag that answers it. */
export interface Question {
  readonly message: string;
  readonly flag: string;
}

/** Asks what flags left open; the only place that imports inquirer. */
export class Prompts {
  readonly #context: CommandContext;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /** One of a list that narrows down while it is typed in. */
  async choose(question: Question, choices: readonly { name: string; description?: string }[]): Promise<string> {
    this.#ensureCanAsk(question);
    return search(
      {
        message: question.message,
        source: (term) => {
          const words = (term ?? '').toLowerCase().split(/\s+/).filter(Boolean);
          return choices
            .filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)))
            .map(({ name, description }) => ({ name, value: name, ...(description === undefined ? {} : { description }) }));
        },
      },
      this.#place(),
    );
  }

  async ask(question: Question, validate: (answer: string) => Promise<true | string>, proposed?: string): Promise<string> {
    this.#ensureCanAsk(question);
    return input(
      { message: question.message, validate, ...(proposed === undefined ? {} : { default: proposed }) },
      this.#place(),
    );
  }

  async confirm(question: Question): Promise<boolean> {
    if (this.#context.saidYes) return true;
    this.#ensureCanAsk(question);
    return confirm({ message: question.message, default: true }, this.#place());
  }

  #ensureCanAsk({ message, flag }: Question): void {
    if (!this.#context.canAsk) throw new PhaseError('PH1004', { question: message, flag });
  }

  /** Prompts go to stderr: stdout carries the result and nothing else. */
  #place(): { output: NodeJS.WritableStream } {
    return { output: this.#context.surroundings.stderr };
  }
}
