import { integrityErrors } from './integrity.ts';
import { lockErrors } from './lock.ts';
import { refusalErrors } from './refusal.ts';
import { runningErrors } from './running.ts';
import type { ErrorDetails, ErrorTexts } from './types.ts';
import { usageErrors } from './usage.ts';

/** Every code that a user can meet. docs/errors.md is generated from it. */
export const catalogue: ErrorTexts<ErrorDetails> = {
  ...usageErrors,
  ...refusalErrors,
  ...integrityErrors,
  ...lockErrors,
  ...runningErrors,
};
