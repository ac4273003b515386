import { encodeId, type FactBase, type StableId } from '@supabase/pg-delta';

/** Composite types and domains that are there on both sides, and are not the same: what uses them is in the way of a change, for which pg-delta knows no statements. */
export function changedTypes(from: FactBase, to: FactBase): StableId[] {
  return from.facts().flatMap(({ id }) => {
    if ((id.kind !== 'type' && id.kind !== 'domain') || !to.has(id)) return [];
    return contentOf(from, id) === contentOf(to, id) ? [] : [id];
  });
}

const contentOf = (facts: FactBase, id: StableId): string =>
  JSON.stringify([
    facts.get(id)?.payload,
    [...facts.childrenOf(id)].map((child) => [encodeId(child.id), child.payload]).sort(),
  ]);
