import { catalogue, type ErrorCode, type ErrorDetails } from './catalogue.ts';
import type { ExitCode } from './text.ts';

/** An error that a user can meet: a stable code, what happened, why, what to do, and the exit code that goes with it. */
export class PhaseError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly details: ErrorDetails[C];
  readonly exitCode: ExitCode;
  readonly why: string;
  readonly remedy: string;

  constructor(code: C, details: ErrorDetails[C], options?: { cause?: unknown }) {
    const text = catalogue[code];
    super(text.what(details), options);
    this.name = 'PhaseError';
    this.code = code;
    this.details = details;
    this.exitCode = text.exit;
    this.why = text.why(details);
    this.remedy = text.remedy(details);
  }
}
