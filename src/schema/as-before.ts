import { buildFactBase, encodeId, type Fact, type FactBase, type StableId } from '@supabase/pg-delta';
import type { Schema } from './facts.ts';

/** A wanted schema in which some things are what they are now. */
export function asBefore(from: Schema, wanted: Schema, ids: readonly StableId[]): Schema {
  const facts = new Map(wanted.facts.facts().map((fact) => [encodeId(fact.id), fact]));
  for (const id of ids) {
    const fact = from.facts.get(id);
    remove(wanted.facts, id, facts);
    if (fact !== undefined) take(from.facts, fact, facts);
  }
  return { ...wanted, facts: withEdges(from, wanted, facts) };
}

/** With what hangs on it. */
function remove(from: FactBase, id: StableId, facts: Map<string, Fact>): void {
  facts.delete(encodeId(id));
  for (const child of from.childrenOf(id)) remove(from, child.id, facts);
}

/** The facts of a wanted schema and of the one before, with the edges between them. */
export function withEdges(from: Schema, wanted: Schema, facts: ReadonlyMap<string, Fact>): FactBase {
  const edges = [...wanted.facts.edges, ...from.facts.edges].filter(
    ({ from: one, to }) => facts.has(encodeId(one)) && facts.has(encodeId(to)),
  );
  const unique = new Map(edges.map((edge) => [`${encodeId(edge.from)} ${edge.kind} ${encodeId(edge.to)}`, edge]));
  return buildFactBase([...facts.values()], [...unique.values()], wanted.facts.source, wanted.facts.referenceOnly);
}

/** A fact with where it stands, what it needs, and what hangs on it. */
export function take(from: FactBase, fact: Fact, into: Map<string, Fact>): void {
  const key = encodeId(fact.id);
  if (into.has(key)) return;
  const parent = fact.parent === undefined ? undefined : from.get(fact.parent);
  if (parent !== undefined && !into.has(encodeId(parent.id))) take(from, parent, into);
  into.set(key, fact);
  for (const { to, kind } of from.outgoingEdges(fact.id)) {
    const needed = kind === 'depends' ? from.get(to) : undefined;
    if (needed !== undefined) take(from, needed, into);
  }
  for (const child of from.childrenOf(fact.id)) take(from, child, into);
}
