import { buildFactBase, encodeId, type Fact, type FactBase, type StableId } from '@supabase/pg-delta';
import type { Schema } from './facts.ts';
import { inWords, type Statement, statementsBetween } from './statements.ts';

/** What holds values of its own. */
const HOLDS_DATA: ReadonlySet<string> = new Set(['table', 'column', 'sequence', 'typeAttribute', 'materializedView']);

/**
 * The wanted schema and the statements that lead to it, without those after which values are gone: what they are about stays as it is.
 */
export async function statementsThatKeepData(
  from: Schema,
  given: Schema,
): Promise<{ readonly statements: readonly Statement[]; readonly kept: readonly string[] }> {
  const { wanted: first, kept } = keepData(from, given);
  let wanted = first;
  const left = kept.map(inWords);
  for (;;) {
    const statements = await statementsBetween(from, wanted);
    const lossy = statements.flatMap(({ losesData, subject }) => (losesData && subject !== null ? [subject] : []));
    const changed = lossy.filter((id) => !left.includes(inWords(id)));
    if (changed.length === 0) return { statements: statements.filter(({ losesData }) => !losesData), kept: left };
    left.push(...new Set(changed.map(inWords)));
    wanted = asBefore(from, wanted, changed);
  }
}

/** A wanted schema in which some things are what they are now. */
function asBefore(from: Schema, wanted: Schema, ids: readonly StableId[]): Schema {
  const facts = new Map(wanted.facts.facts().map((fact) => [encodeId(fact.id), fact]));
  for (const id of ids) {
    const fact = from.facts.get(id);
    facts.delete(encodeId(id));
    if (fact !== undefined) take(from.facts, fact, facts);
  }
  return { ...wanted, facts: withEdges(from, wanted, facts) };
}

function withEdges(from: Schema, wanted: Schema, facts: ReadonlyMap<string, Fact>): FactBase {
  const edges = [...wanted.facts.edges, ...from.facts.edges].filter(
    ({ from: one, to }) => facts.has(encodeId(one)) && facts.has(encodeId(to)),
  );
  const unique = new Map(edges.map((edge) => [`${encodeId(edge.from)} ${edge.kind} ${encodeId(edge.to)}`, edge]));
  return buildFactBase([...facts.values()], [...unique.values()], wanted.facts.source, wanted.facts.referenceOnly);
}

/** A wanted schema that keeps what would be lost on the way to it. */
interface Kept {
  readonly wanted: Schema;
  /** Tables, columns and sequences that the wanted schema does not have. */
  readonly kept: readonly StableId[];
}

/** Adds to a wanted schema the tables, columns and sequences that only the other one has, with all that they need to be what they are. */
function keepData(from: Schema, wanted: Schema): Kept {
  const missing = from.facts.facts().filter(({ id }) => HOLDS_DATA.has(id.kind) && !wanted.facts.has(id));
  const parents = new Set(missing.map(({ id }) => encodeId(id)));
  const kept = missing.filter(({ parent }) => parent === undefined || !parents.has(encodeId(parent)));
  if (missing.length === 0) return { wanted, kept: [] };
  const facts = new Map(wanted.facts.facts().map((fact) => [encodeId(fact.id), fact]));
  for (const fact of missing) take(from.facts, fact, facts);
  const base = withEdges(from, wanted, facts);
  return { wanted: { ...wanted, facts: base }, kept: kept.map(({ id }) => id) };
}

/** A fact with where it stands, what it needs, and what hangs on it. */
function take(from: FactBase, fact: Fact, into: Map<string, Fact>): void {
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
