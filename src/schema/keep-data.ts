import { encodeId, type StableId } from '@supabase/pg-delta';
import { asBefore, take, withEdges } from './as-before.ts';
import type { Schema } from './facts.ts';
import { inWords } from './identity.ts';
import type { Statement } from './statement.ts';
import { statementsBetween } from './statements.ts';

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
