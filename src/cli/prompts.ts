import inquirer from 'inquirer';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { printable } from '../domain/printable.ts';
import type { CommandContext } from './context.ts';

/** A question, and the flag that answers it. */
export interface Question {
  readonly message: string;
  readonly flag: string;
}

export interface Choice {
  readonly name: string;
  readonly description?: string;
}

/** Asks what flags left open; the only place that imports inquirer. */
export class Prompts {
  readonly #context: CommandContext;
  readonly #prompt: ReturnType<typeof inquirer.createPromptModule>;

  constructor(context: CommandContext) {
    this.#context = context;
    const { stdin, stderr } = context.surroundings;
    // Prompts go to stderr: stdout carries the result and nothing else.
    this.#prompt = inquirer.createPromptModule({ input: stdin as NodeJS.ReadableStream, output: stderr });
  }

  /** One of a list that narrows down while it is typed in. */
  async choose(question: Question, choices: readonly Choice[]): Promise<string> {
    this.#ensureCanAsk(question);
    const source = (term: string | undefined) =>
      matching(choices, term).map(({ name, description }) => ({
        name: printable(name),
        value: name,
        ...(description === undefined ? {} : { description: printable(description) }),
      }));
    const { answer } = await this.#prompt<{ answer: string }>([
      { type: 'search', name: 'answer', message: printable(question.message), source },
    ]);
    return answer;
  }

  async ask(
    question: Question,
    validate: (answer: string) => Promise<true | string>,
    proposed?: string,
  ): Promise<string> {
    this.#ensureCanAsk(question);
    const fallback = proposed === undefined ? {} : { default: proposed };
    const { answer } = await this.#prompt<{ answer: string }>([
      { type: 'input', name: 'answer', message: printable(question.message), validate, ...fallback },
    ]);
    return answer;
  }

  async confirm(question: Question): Promise<boolean> {
    if (this.#context.saidYes) return true;
    this.#ensureCanAsk(question);
    const { answer } = await this.#prompt<{ answer: boolean }>([
      { type: 'confirm', name: 'answer', message: printable(question.message), default: true },
    ]);
    return answer;
  }

  /** A question that has an answer of its own where there is nobody to ask: no. */
  async decide(message: string): Promise<boolean> {
    if (!this.canAsk) return false;
    const { answer } = await this.#prompt<{ answer: boolean }>([
      { type: 'confirm', name: 'answer', message: printable(message), default: false },
    ]);
    return answer;
  }

  get canAsk(): boolean {
    return this.#context.canAsk && !this.#context.saidYes;
  }

  #ensureCanAsk({ message, flag }: Question): void {
    if (!this.#context.canAsk) throw new PhaseError('PH1004', { question: message, flag });
  }
}

/** Choices whose name holds every word of the term. */
function matching(choices: readonly Choice[], term = ''): readonly Choice[] {
  const words = term.toLowerCase().split(/\s+/).filter(Boolean);
  return choices.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
}
