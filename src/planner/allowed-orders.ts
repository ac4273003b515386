import type { Changes } from '../domain/change.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { reasonToWait } from './passing.ts';

/** One order in which steps may run, and what is special about it. */
export interface AllowedOrder {
  readonly name: string;
  readonly steps: readonly OrderedMigration[];
}

/** Between which of the others a held step may run: after `first` of them at the earliest, after `last` at the latest. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Orders in which a migrate and its finish could run the steps: each held one as early as allowed, as late as allowed,
 * and anywhere between. Equal ones are given once.
 * @param steps not applied yet, in order; @param random gives numbers from 0 to 1, as Math.random does.
 */
export function allowedOrders(
  steps: readonly OrderedMigration[],
  held: ReadonlySet<string>,
  renames: Changes,
  { count, random }: { readonly count: number; readonly random: () => number },
): AllowedOrder[] {
  const ranges = rangesOf(steps, held, renames);
  const anywhere = (): number[] => {
    let before = 0;
    return ranges.map(({ first, last }) => {
      const lowest = Math.max(first, before);
      before = lowest + Math.floor(random() * (last - lowest + 1));
      return before;
    });
  };
  const orders = [
    { name: 'held steps as early as allowed', places: ranges.map(({ first }) => first) },
    { name: 'held steps as late as allowed', places: ranges.map(({ last }) => last) },
    ...Array.from({ length: count }, (_, index) => ({ name: `random order ${index + 1}`, places: anywhere() })),
  ];
  const keys = orders.map(({ places }) => places.join());
  const unique = orders.filter((_order, index) => keys.indexOf(keys[index] ?? '') === index);
  return unique.map(({ name, places }) => ({ name, steps: arrange(steps, held, places) }));
}

/** Held steps keep their order among each other, so that none is later than the next. */
function rangesOf(steps: readonly OrderedMigration[], held: ReadonlySet<string>, renames: Changes): Range[] {
  const others = steps.filter(({ id }) => !held.has(id));
  const ranges: Range[] = [];
  let first = 0;
  for (const step of steps) {
    if (!held.has(step.id)) first++;
    else {
      const blocked = others.slice(first).findIndex((later) => reasonToWait(later, step, renames) !== null);
      ranges.push({ first, last: blocked === -1 ? others.length : first + blocked });
    }
  }
  let latest = others.length;
  return ranges
    .toReversed()
    .map((range) => {
      latest = Math.min(latest, range.last);
      return { first: range.first, last: latest };
    })
    .reverse();
}

/** @param places for each held step, after how many of the others it runs. */
function arrange(
  steps: readonly OrderedMigration[],
  held: ReadonlySet<string>,
  places: readonly number[],
): OrderedMigration[] {
  const others = steps.filter(({ id }) => !held.has(id));
  const waiting = steps.filter(({ id }) => held.has(id));
  const at = (place: number): OrderedMigration[] => waiting.filter((_step, index) => places[index] === place);
  return [...at(0), ...others.flatMap((step, index) => [step, ...at(index + 1)])];
}
