import { type IntegrityErrors, integrityErrors } from './integrity.ts';
import { type LockErrors, lockErrors } from './lock.ts';
import { type PlanningErrors, planningErrors } from './planning.ts';
import { type RefusalErrors, refusalErrors } from './refusal.ts';
import { type RunningErrors, runningErrors } from './running.ts';
import type { ErrorTexts } from './text.ts';
import { type UsageErrors, usageErrors } from './usage.ts';

/** What the text of each code has to be told. */
export type ErrorDetails = UsageErrors & PlanningErrors & RefusalErrors & IntegrityErrors & LockErrors & RunningErrors;
export type ErrorCode = keyof ErrorDetails;

/** Every code that a user can meet. docs/errors.md is generated from it. */
export const catalogue: ErrorTexts<ErrorDetails> = {
  ...usageErrors,
  ...planningErrors,
  ...refusalErrors,
  ...integrityErrors,
  ...lockErrors,
  ...runningErrors,
};
