import type { OnEvent } from '../domain/events.ts';
import { reasonOf } from '../postgres/errors.ts';

/** A listener of somebody's, which may fail, also later, without anything that is at work failing with it. */
export function listener(given: OnEvent | undefined): OnEvent {
  if (given === undefined) return () => undefined;
  return (event) => {
    try {
      // One that is asynchronous is none of ours to wait for.
      const answer: unknown = given(event);
      if (answer instanceof Promise) answer.catch(warn);
    } catch (error) {
      warn(error);
    }
  };
}

function warn(error: unknown): void {
  process.emitWarning(`A listener to events of triphase failed: ${reasonOf(error)}`, { code: 'PHASE_LISTENER' });
}
