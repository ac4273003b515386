import type { Changes } from '../domain/change.ts';
import type { BlockedStep, OrderedMigration } from '../domain/plan.ts';
import { Barrier } from './passing.ts';

export interface Holding {
  /** In order. */
  readonly held: readonly OrderedMigration[];
  /** The first held step that each of these may not pass. */
  readonly blocked: readonly BlockedStep[];
}

/**
 * Which steps are held while something is alive, and which of the others may not pass those.
 * @param pending in order.
 * @param isHeld whether a step would break a release that is alive.
 */
export function holdingOf(
  pending: readonly OrderedMigration[],
  isHeld: (step: OrderedMigration) => boolean,
  renames: Changes,
): Holding {
  const barrier = new Barrier(renames);
  const held: OrderedMigration[] = [];
  const blocked: BlockedStep[] = [];
  for (const step of pending) {
    if (isHeld(step)) {
      held.push(step);
      barrier.add(step);
      continue;
    }
    for (const { held: first, reason } of barrier.against(step)) {
      blocked.push({ id: step.id, heldId: first.id, reason });
      break;
    }
  }
  return { held, blocked };
}
