import { buildFactBase, encodeId, type Fact, type FactBase, type StableId } from '@supabase/pg-delta';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';

interface Index {
  readonly kind: 'index';
  readonly schema: string;
  readonly name: string;
}

interface Constraint {
  readonly kind: 'constraint';
  readonly schema: string;
  readonly table: string;
  readonly name: string;
}

/** An index or a constraint that is the same but for its name. */
export interface RenamedObject {
  readonly from: Index | Constraint;
  readonly to: Index | Constraint;
  /** What is said of it under its new name. */
  readonly payload: Fact['payload'];
  readonly sql: string;
}

/**
 * Indexes and constraints that go, each with one that comes, in the same table and with the same definition: names are derived from those of columns by many
 * tools, and change with them. To drop one and build the other would read every row, and leave the table without it meanwhile.
 */
export function renamedObjects(from: FactBase, to: FactBase): RenamedObject[] {
  const taken = relationNames(from);
  const come = new Map<string, Fact[]>();
  for (const fact of to.facts()) {
    const key = from.has(fact.id) ? null : definitionOf(fact);
    if (key !== null) come.set(key, [...(come.get(key) ?? []), fact]);
  }
  return from.facts().flatMap((fact) => {
    const key = to.has(fact.id) ? null : definitionOf(fact);
    const next = key === null ? undefined : come.get(key)?.shift();
    if (next === undefined || taken.has(relationName(next.id))) return [];
    const [old, fresh] = [fact.id as Index | Constraint, next.id as Index | Constraint];
    return [{ from: old, to: fresh, payload: next.payload, sql: statementOf(old, fresh) }];
  });
}

/** Facts as they are once these have other names. */
export function withRenamed(facts: FactBase, renames: readonly RenamedObject[]): FactBase {
  if (renames.length === 0) return facts;
  const ids = new Map(renames.map(({ from, to }) => [encodeId(from), to]));
  const idOf = (id: StableId): StableId =>
    'target' in id ? ({ ...id, target: idOf(id.target) } as StableId) : (ids.get(encodeId(id)) ?? id);
  const fresh = facts.facts().map(
    (fact): Fact => ({
      ...fact,
      id: idOf(fact.id),
      ...(fact.parent === undefined ? {} : { parent: idOf(fact.parent) }),
      payload: payloadOf(fact, renames),
    }),
  );
  const edges = facts.edges.map((edge) => ({ ...edge, from: idOf(edge.from), to: idOf(edge.to) }));
  return buildFactBase(fresh, edges, facts.source, facts.referenceOnly);
}

/** The name of an index stands in its text, and in the table that takes it for its replica identity. */
function payloadOf({ id, payload }: Fact, renames: readonly RenamedObject[]): Fact['payload'] {
  const own = renames.find(({ from }) => encodeId(from) === encodeId(id));
  if (own !== undefined) return own.payload;
  if (id.kind !== 'table' || payload.replicaIdentityIndex === null) return payload;
  const identity = renames.find(({ from }) => from.schema === id.schema && from.name === payload.replicaIdentityIndex);
  return identity === undefined ? payload : { ...payload, replicaIdentityIndex: identity.to.name };
}

const NAME = /^(CREATE (?:UNIQUE )?INDEX )(?:"(?:[^"]|"")*"|\S+) ON /;

/** What two of them have in common that differ in nothing but their names; null for anything else. */
function definitionOf({ id, parent, payload }: Fact): string | null {
  if (parent?.kind !== 'table' || (id.kind !== 'index' && id.kind !== 'constraint')) return null;
  const def = String(payload.def);
  // Of a partitioned table those of its partitions have names of their own.
  if (id.kind === 'index' && / ON ONLY /.test(def)) return null;
  return JSON.stringify([encodeId(parent), id.kind, { ...payload, def: def.replace(NAME, '$1ON ') }]);
}

function statementOf(from: Index | Constraint, to: Index | Constraint): string {
  const name = quoteIdent(to.name);
  return from.kind === 'constraint'
    ? `ALTER TABLE ${quoteQualified({ schema: from.schema, name: from.table })} RENAME CONSTRAINT ${quoteIdent(from.name)} TO ${name}`
    : `ALTER INDEX ${quoteQualified(from)} RENAME TO ${name}`;
}

/** Indexes, and constraints that have one, share their names with tables. */
const relationName = (id: StableId): string =>
  'schema' in id && id.schema !== null && 'name' in id ? `${id.schema}.${String(id.name)}` : '';

const RELATIONS: ReadonlySet<string> = new Set([
  'table',
  'view',
  'materializedView',
  'sequence',
  'index',
  'constraint',
  'foreignTable',
]);

const relationNames = (facts: FactBase): ReadonlySet<string> =>
  new Set(facts.facts().flatMap(({ id }) => (RELATIONS.has(id.kind) ? [relationName(id)] : [])));
