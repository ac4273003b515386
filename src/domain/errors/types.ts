import type { IntegrityErrors } from './integrity.ts';
import type { LockErrors } from './lock.ts';
import type { RefusalErrors } from './refusal.ts';
import type { RunningErrors } from './running.ts';
import type { UsageErrors } from './usage.ts';

/** The exit codes of the command line; their meaning is fixed in docs/cli.md. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** What the text of each code has to be told. */
export type ErrorDetails = UsageErrors & RefusalErrors & IntegrityErrors & LockErrors & RunningErrors;
export type ErrorCode = keyof ErrorDetails;

/** The text of one code. A code without all of these does not compile. */
interface ErrorText<D> {
  readonly exit: ExitCode;
  /** One line for the list of codes. */
  readonly title: string;
  what(details: D): string;
  why(details: D): string;
  remedy(details: D): string;
}

export type ErrorTexts<E> = { readonly [C in keyof E]: ErrorText<E[C]> };
