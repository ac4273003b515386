import type { UnsupportedObject } from '../domain/facts.ts';

export const WINDOW = 'Rename the column in a maintenance window (ALTER TABLE ... RENAME COLUMN).';
const AWAY =
  'Drop the object in an earlier release and create it again after phase 3, or rename in a maintenance window.';

/** What PostgreSQL gives no way to carry over while the table is in use; docs/refusals.md explains each. */
export function refusal(object: string, reason: string, instead = AWAY): UnsupportedObject {
  return { object, reason, instead };
}

/** What was found and not understood to the letter. */
export function notUnderstood(object: string): UnsupportedObject {
  return refusal(object, 'its definition was not understood');
}

/** What PostgreSQL knows to depend on the column, and no kind of object is. */
export function notKnown(object: string): UnsupportedObject {
  return refusal(object, 'it is bound to the column in a way that is not known');
}
