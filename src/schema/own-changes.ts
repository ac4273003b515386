import { buildFactBase, encodeId, type Fact, type FactBase, type StableId } from '@supabase/pg-delta';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { renamedObjects, withRenamed } from './renamed-objects.ts';

/** A statement for what pg-delta would drop and make anew. */
export interface OwnChange {
  readonly sql: string;
  readonly subject: StableId;
}

/** Changes that are made before all others, and after them, and the facts from which the others begin. */
export interface OwnChanges {
  readonly first: readonly OwnChange[];
  readonly last: readonly OwnChange[];
  readonly facts: FactBase;
}

/** What stays what it is, with its rows, where pg-delta would drop it: other names of indexes and constraints, collations of columns, bounds of partitions. */
export function ownChanges(from: FactBase, to: FactBase): OwnChanges {
  const renames = renamedObjects(from, to);
  const facts = withRenamed(from, renames);
  const partitions = movedPartitions(facts, to);
  const collated = otherCollations(facts, to);
  return {
    first: [
      ...renames.map(({ from: subject, sql }) => ({ sql, subject })),
      ...collated.map(({ subject, sql }) => ({ subject, sql })),
    ],
    // One after the other, so that both are in one transaction: in between nobody sees the rows.
    last: partitions.flatMap(({ subject, parent, bound }) => [
      { subject, sql: `ALTER TABLE ${parent} DETACH PARTITION ${quoteQualified(subject)}` },
      { subject, sql: `ALTER TABLE ${parent} ATTACH PARTITION ${quoteQualified(subject)} ${bound}` },
    ]),
    facts: withPayloads(
      facts,
      new Map([...partitions, ...collated].map(({ subject, payload }) => [encodeId(subject), payload])),
    ),
  };
}

type Table = Extract<StableId, { kind: 'table' }>;
type Named = { readonly schema: string; readonly name: string };

interface MovedPartition {
  readonly subject: Table & Named;
  /** As SQL names it. */
  readonly parent: string;
  readonly bound: string;
  readonly payload: Fact['payload'];
}

/** Partitions of the same table with other bounds: taken off, and put to it again once those beside them are gone. */
function movedPartitions(from: FactBase, to: FactBase): MovedPartition[] {
  return to.facts().flatMap(({ id, payload }) => {
    const before = id.kind === 'table' ? from.get(id)?.payload : undefined;
    const { partitionBound: bound, parentTable } = payload;
    if (before === undefined || typeof bound !== 'string' || typeof before.partitionBound !== 'string') return [];
    const isSameParent = JSON.stringify(parentTable) === JSON.stringify(before.parentTable);
    if (!isSameParent || bound === before.partitionBound) return [];
    const parent = quoteQualified(parentTable as unknown as Named);
    return [{ subject: id as Table & Named, parent, bound, payload: { ...before, partitionBound: bound } }];
  });
}

interface OtherCollation extends OwnChange {
  readonly payload: Fact['payload'];
}

/** Columns that differ in nothing but how their texts are sorted. */
function otherCollations(from: FactBase, to: FactBase): OtherCollation[] {
  return to.facts().flatMap(({ id, parent, payload }) => {
    const before = id.kind === 'column' && parent?.kind === 'table' ? from.get(id)?.payload : undefined;
    if (before === undefined || before.collation === payload.collation || before.type !== payload.type) return [];
    const { schema, table, name } = id as { schema: string; table: string; name: string };
    const collation = String(payload.collation ?? 'pg_catalog."default"');
    const sql = `ALTER TABLE ${quoteQualified({ schema, name: table })} ALTER COLUMN ${quoteIdent(name)} TYPE ${String(payload.type)} COLLATE ${collation}`;
    return [{ subject: id, sql, payload: { ...before, collation: payload.collation ?? null } }];
  });
}

function withPayloads(facts: FactBase, payloads: ReadonlyMap<string, Fact['payload']>): FactBase {
  if (payloads.size === 0) return facts;
  const changed = facts
    .facts()
    .map((fact): Fact => ({ ...fact, payload: payloads.get(encodeId(fact.id)) ?? fact.payload }));
  return buildFactBase(changed, [...facts.edges], facts.source, facts.referenceOnly);
}
