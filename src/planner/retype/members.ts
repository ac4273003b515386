import type { ObjectFacts } from '../../domain/facts.ts';
import { byKind, type ObjectsByKind } from '../../objects/registry.ts';
import type { TableFacts } from '../../objects/table-facts.ts';
import type { RetypeFacts } from './steps.ts';

/**
 * What several columns of one change have in common, such as an index over two of them, or the foreign key that joins them, is carried over by one of them: a key by
 * the column that has it.
 */
export function eachOnce(members: readonly RetypeFacts[]): RetypeFacts[] {
  const taken = new Map<string, number>();
  for (const isFirst of [true, false])
    for (const [at, { next }] of members.entries())
      for (const { key, goesFirst } of keysOf(next)) if (goesFirst === isFirst && !taken.has(key)) taken.set(key, at);
  return members.map(({ next, back }, at) => ({ next: ownOnly(next, taken, at), back: ownOnly(back, taken, at) }));
}

interface Key {
  readonly key: string;
  /** A foreign key of the column itself, not one that references it. */
  readonly goesFirst: boolean;
}

function keysOf(facts: TableFacts): Key[] {
  return byKind(facts.objects).flatMap(({ kind, objects }) =>
    kind.carried === 'twin'
      ? objects.map((object) => ({ key: keyOf(kind, object), goesFirst: kind.goes === 'in phase 2' }))
      : [],
  );
}

const keyOf = (kind: { readonly family: string; placeOf(object: ObjectFacts): string }, object: ObjectFacts): string =>
  `${kind.family} ${kind.placeOf(object)} ${object.name}`;

function ownOnly(facts: TableFacts, taken: ReadonlyMap<string, number>, at: number): TableFacts {
  const kept = byKind(facts.objects).map(({ kind, objects }) => [
    kind.name,
    objects.filter((object) => {
      if (kind.carried !== 'twin') return true;
      return taken.get(keyOf(kind, object)) === at;
    }),
  ]);
  const objects = Object.fromEntries(kept) as Record<string, readonly ObjectFacts[]>;
  return { ...facts, objects: objects as unknown as ObjectsByKind };
}
