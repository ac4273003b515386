import type { ObjectFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import type { AnyKind } from '../../objects/kind.ts';
import { byKind, type ObjectsByKind } from '../../objects/registry.ts';
import type { TableFacts } from '../../objects/table-facts.ts';

/**
 * What several columns of one change have in common, such as an index over two of them, or the foreign key that joins them, is carried over by one of them: a key by
 * the column that has it. What is bound by its own text stays with each, unless it gets forms of its own.
 * @param members facts of each column.
 * @returns facts of the column of a number, with what that one carries over.
 */
export function eachOnce(members: readonly TableFacts[]): (facts: TableFacts, at: number) => TableFacts {
  const taken = new Map<string, number>();
  for (const isFirst of [true, false])
    for (const [at, member] of members.entries())
      for (const { key, goesFirst } of keysOf(member)) if (goesFirst === isFirst && !taken.has(key)) taken.set(key, at);
  return (facts, at) => ownOnly(facts, taken, at);
}

interface Key {
  readonly key: string;
  /** A foreign key of the column itself, not one that references it. */
  readonly goesFirst: boolean;
}

function keysOf(facts: TableFacts): Key[] {
  return byKind(facts.objects).flatMap(({ kind, objects }) =>
    objects.flatMap((object) => {
      const key = keyOf(kind, object);
      return key === null ? [] : [{ key, goesFirst: kind.carried === 'twin' && kind.goes === 'in phase 2' }];
    }),
  );
}

/** What is equal for an object that one column alone may carry over; null for what each does. */
function keyOf(kind: AnyKind, object: ObjectFacts): string | null {
  if (kind.carried === 'twin') return `${kind.family} ${kind.placeOf(object)} ${object.name}`;
  const isShared = kind.carried === 'bound' && kind.exclusive === true && kind.isBound?.(object) !== false;
  return isShared ? `${kind.family} ${object.on === null ? '' : quoteQualified(object.on)} ${object.name}` : null;
}

function ownOnly(facts: TableFacts, taken: ReadonlyMap<string, number>, at: number): TableFacts {
  const kept = byKind(facts.objects).map(({ kind, objects }) => [
    kind.name,
    objects.filter((object) => {
      const key = keyOf(kind, object);
      return key === null || taken.get(key) === at;
    }),
  ]);
  const objects = Object.fromEntries(kept) as Record<string, readonly ObjectFacts[]>;
  return { ...facts, objects: objects as unknown as ObjectsByKind };
}
