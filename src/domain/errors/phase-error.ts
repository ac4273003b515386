import type { MigrateResult, RollbackResult } from '../results.ts';
import { catalogue, type ErrorCode, type ErrorDetails } from './catalogue.ts';
import type { ExitCode } from './text.ts';

/** The same in every copy of triphase: a migration that is an ES module may import another copy than the one that runs it. */
const BRAND = Symbol.for('triphase.PhaseError');

/** An error that a user can meet: a stable code, what happened, why, what to do, and the exit code that goes with it. */
export class PhaseError<C extends ErrorCode = ErrorCode> extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  readonly [BRAND] = true;
  readonly code: C;
  readonly details: ErrorDetails[C];
  readonly exitCode: ExitCode;
  readonly why: string;
  readonly remedy: string;
  /** What had been done until then, where a run failed in its middle. */
  result?: Partial<MigrateResult & RollbackResult>;

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

  /** As `--json` prints it. */
  toJSON(): object {
    const { code, message, why, remedy, details } = this;
    return { code, message, why, remedy, details };
  }
}
