import type { z } from 'zod';

/** A problem as a sentence that begins with the key. */
export function problemsOf(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${at === '' ? '' : `${at}.`}${key} is not a key`);
  }
  return [`${at === '' ? 'the file' : at}: ${issue.message}`];
}
