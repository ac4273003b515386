import { encodeId, type FactBase, type StableId } from '@supabase/pg-delta';
import type { Statement } from './statement.ts';

/**
 * Statements in groups, in an order that runs. What is dropped so that something can change, and made anew, is one group with all that has to happen in between,
 * and nothing else is in it: nobody sees the time without it, and no lock is held for what does not need it.
 */
export function groupRebuilds(statements: readonly Statement[], from: FactBase, to: FactBase): Statement[][] {
  const dropped = new Map(statements.flatMap((one, at) => (one.verb === 'drop' ? [[one.object, at] as const] : [])));
  const pairs = statements.flatMap(({ verb, object }, create) => {
    const drop = verb === 'create' ? dropped.get(object) : undefined;
    return drop === undefined || drop > create ? [] : [[drop, create] as const];
  });
  if (pairs.length === 0) return statements.map((one) => [one]);
  const first = Math.min(...pairs.map(([drop]) => drop));
  const inside = statements.slice(first);
  const follows = followersOf(inside, from, to);
  for (const [drop, create] of pairs) {
    const object = inside[create - first]?.subject ?? null;
    for (const [at, { subject, verb }] of inside.entries())
      if (at >= create - first && verb !== 'drop' && isPartOf(subject, object, to)) follows[at]?.add(drop - first);
  }
  const groups = inOrder(componentsOf(follows), follows);
  return [
    ...statements.slice(0, first).map((one) => [one]),
    ...groups.map((group) => group.map((at) => inside[at] as Statement)),
  ];
}

/** For each statement, those that may not come before it. */
function followersOf(statements: readonly Statement[], from: FactBase, to: FactBase): Set<number>[] {
  const keys = statements.map(({ subject }) => (subject === null ? null : encodeId(objectOf(subject))));
  const names = statements.map(({ subject }) => (subject === null ? '' : nameOf(objectOf(subject))));
  const [before, after] = [needsIn(from), needsIn(to)];
  const needs = statements.map(({ subject, verb }) => ({
    before: subject === null ? NONE : before(objectOf(subject)),
    after: subject === null || verb === 'drop' ? NONE : after(objectOf(subject)),
  }));
  // Of what pg-delta does not know, nobody knows what it needs: it stays where it is.
  const isFixed = statements.map(({ subject }) => subject === null || !isKnown(objectOf(subject), from, to));
  const isBefore = (one: number, other: number): boolean => {
    const [key, next] = [keys[one] ?? '', keys[other] ?? ''];
    return (
      isFixed[one] === true ||
      isFixed[other] === true ||
      key === next ||
      (names[one] !== '' && names[one] === names[other]) ||
      needs[one]?.before.has(next) === true ||
      (statements[one]?.verb !== 'drop' && needs[other]?.after.has(key) === true)
    );
  };
  return statements.map(
    (_, one) => new Set(statements.flatMap((__, other) => (other > one && isBefore(one, other) ? [other] : []))),
  );
}

const NONE: ReadonlySet<string> = new Set();

const isKnown = (id: StableId, ...sides: readonly FactBase[]): boolean =>
  id.kind !== 'defaultPrivilege' && sides.some((facts) => facts.has(id));

/** What a comment or a privilege is about, and the column whose default it is. */
function objectOf(id: StableId): StableId {
  if ('target' in id) return objectOf(id.target);
  return id.kind === 'default' ? { ...id, kind: 'column' } : id;
}

/** Whether it is about the whole, or something that goes when that is dropped: its comment, who may read it, the trigger of a view. */
function isPartOf(part: StableId | null, whole: StableId | null, facts: FactBase): boolean {
  if (part === null || whole === null) return false;
  let id: StableId | undefined = objectOf(part);
  while (id !== undefined && encodeId(id) !== encodeId(whole)) id = facts.get(id)?.parent;
  return id !== undefined;
}

/** Relations of a schema share one set of names. */
const nameOf = (id: StableId): string =>
  'schema' in id && !('table' in id) && 'name' in id ? `${id.schema}.${String(id.name)}` : '';

/** @returns what an object, with all that is part of it, needs to be there, as encoded ids, itself among them. */
function needsIn(facts: FactBase): (id: StableId) => ReadonlySet<string> {
  const known = new Map<string, ReadonlySet<string>>();
  return (id) => {
    const key = encodeId(id);
    const needs = known.get(key) ?? reachable(id, facts);
    known.set(key, needs);
    return needs;
  };
}

function reachable(id: StableId, facts: FactBase): ReadonlySet<string> {
  const reached = new Set<string>();
  const parts = (own: StableId): StableId[] => [own, ...facts.childrenOf(own).flatMap((child) => parts(child.id))];
  const queue = facts.has(id) ? parts(id) : [];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const key = encodeId(next);
    if (reached.has(key)) continue;
    reached.add(key);
    const parent = facts.get(next)?.parent;
    queue.push(
      ...facts.outgoingEdges(next).flatMap((edge) => (edge.kind === 'depends' ? [edge.to] : [])),
      ...(parent === undefined ? [] : [parent]),
    );
  }
  return reached;
}

/** Places that lead to each other, each group in ascending order. */
function componentsOf(follows: readonly ReadonlySet<number>[]): number[][] {
  const reaches = follows.map((_, start) => {
    const reached = new Set<number>();
    const queue = [start];
    for (let at = queue.pop(); at !== undefined; at = queue.pop())
      for (const next of follows[at] ?? [])
        if (!reached.has(next)) {
          reached.add(next);
          queue.push(next);
        }
    return reached;
  });
  const isTogether = (one: number, other: number): boolean =>
    one === other || (reaches[one]?.has(other) === true && reaches[other]?.has(one) === true);
  return follows.flatMap((_, at) => {
    const group = follows.flatMap((__, other) => (isTogether(at, other) ? [other] : []));
    return group[0] === at ? [group] : [];
  });
}

/** Each group behind those that it follows, and otherwise as early as its first place. */
function inOrder(groups: readonly number[][], follows: readonly ReadonlySet<number>[]): number[][] {
  const waiting = new Set(groups);
  const ordered: number[][] = [];
  while (waiting.size > 0) {
    const next = [...waiting].find((group) =>
      [...waiting].every(
        (other) => other === group || !other.some((at) => group.some((place) => follows[at]?.has(place) === true)),
      ),
    );
    if (next === undefined) throw new TypeError('groups that lead to each other are one');
    ordered.push(next);
    waiting.delete(next);
  }
  return ordered;
}
