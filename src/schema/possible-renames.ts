import { encodeId, type Fact, type FactBase, type StableId } from '@supabase/pg-delta';
import { distance } from 'fastest-levenshtein';
import { quoteIdent } from '../domain/identifier.ts';
import { sqlName } from '../domain/sql-name.ts';
import { camelToSnake } from '../domain/words.ts';

/** A column that goes and one that comes in its table, which may be one. */
export interface PossibleRename {
  /** As SQL names it: `public.users`. */
  readonly table: string;
  readonly from: string;
  readonly to: string;
  /** What speaks for it, in words. */
  readonly evidence: readonly string[];
}

/** A column that goes and one that comes in another table. */
export interface PossibleMove {
  readonly from: { readonly table: string; readonly column: string };
  readonly to: { readonly table: string; readonly column: string };
  readonly evidence: readonly string[];
}

/** A table that goes and one that comes, which have the same columns. */
export interface PossibleTable {
  readonly from: string;
  readonly to: string;
  readonly evidence: readonly string[];
}

interface Column {
  readonly id: Extract<StableId, { schema: string; table: string; name: string }>;
  readonly payload: Fact['payload'];
  readonly position: number;
}

/** Enough for a question; nothing is done without an answer. */
const ENOUGH = 4;

/** Columns that look renamed: each column is in one pair at most, the best one. */
export function possibleRenames(from: FactBase, to: FactBase): PossibleRename[] {
  return tablesOf(from)
    .filter((table) => to.has(table))
    .flatMap((table) => {
      const [before, after] = [columnsOf(from, table), columnsOf(to, table)];
      const gone = before.filter(({ id }) => !to.has(id));
      const come = after.filter(({ id }) => !from.has(id));
      const pairs = gone.flatMap((old) =>
        come.flatMap((fresh) => pairOf({ old, fresh, before, after, from, to }) ?? []),
      );
      return bestPairs(pairs).map(({ old, fresh, evidence }) => ({
        table: sqlName(table as { schema: string; name: string }),
        from: old.id.name,
        to: fresh.id.name,
        evidence,
      }));
    });
}

/** Tables that look renamed, or moved to another schema: one goes and one comes, with the same columns. */
export function possibleTables(from: FactBase, to: FactBase): PossibleTable[] {
  const shapeOf = (facts: FactBase, table: StableId): string =>
    JSON.stringify(
      columnsOf(facts, table)
        .map(({ id, payload }) => [id.name, payload.type])
        .sort(),
    );
  const come = tablesOf(to).filter((table) => !from.has(table));
  return tablesOf(from).flatMap((table) => {
    if (to.has(table)) return [];
    const fitting = come.filter((one) => shapeOf(to, one) === shapeOf(from, table));
    const [only] = fitting;
    const count = columnsOf(from, table).length;
    if (only === undefined || fitting.length > 1 || count < 2) return [];
    const [old, fresh] = [table, only].map((one) => sqlName(one as { schema: string; name: string }));
    return [{ from: old ?? '', to: fresh ?? '', evidence: [`both have the same ${count} columns`] }];
  });
}

/** Columns of one name and type that go from one table and come in another one. */
export function possibleMoves(from: FactBase, to: FactBase): PossibleMove[] {
  const both = tablesOf(from).filter((table) => to.has(table));
  const gone = both.flatMap((table) => columnsOf(from, table).filter(({ id }) => !to.has(id)));
  const come = tablesOf(to).flatMap((table) => columnsOf(to, table).filter(({ id }) => !from.has(id)));
  return gone.flatMap((old) => {
    const fitting = come.filter(({ id, payload }) => id.name === old.id.name && payload.type === old.payload.type);
    const [only] = fitting;
    if (only === undefined || fitting.length > 1 || /^(id|name|created_at|updated_at)$/.test(old.id.name)) return [];
    return [
      {
        from: { table: tableNameOf(old), column: old.id.name },
        to: { table: tableNameOf(only), column: only.id.name },
        evidence: [`both are called ${old.id.name}`, `both are of type ${String(old.payload.type)}`],
      },
    ];
  });
}

const tableNameOf = ({ id }: Column): string => sqlName({ schema: id.schema, name: id.table });

const tablesOf = (facts: FactBase): StableId[] =>
  facts
    .facts()
    .map(({ id }) => id)
    .filter(({ kind }) => kind === 'table');

function columnsOf(facts: FactBase, table: StableId): Column[] {
  return facts
    .childrenOf(table)
    .flatMap(({ id, payload }) => (id.kind === 'column' ? [{ id, payload, position: Number(payload._position) }] : []))
    .sort((one, other) => one.position - other.position);
}

interface Candidate {
  readonly old: Column;
  readonly fresh: Column;
  readonly before: readonly Column[];
  readonly after: readonly Column[];
  readonly from: FactBase;
  readonly to: FactBase;
}

interface Pair {
  readonly old: Column;
  readonly fresh: Column;
  readonly score: number;
  readonly evidence: readonly string[];
}

/** Null where they are none, such as for different types. */
function pairOf(candidate: Candidate): Pair | null {
  const { old, fresh } = candidate;
  const { type, collation, generatedExpr, identity } = old.payload;
  if (type !== fresh.payload.type || collation !== fresh.payload.collation) return null;
  if (
    (generatedExpr === null) !== (fresh.payload.generatedExpr === null) ||
    (identity === null) !== (fresh.payload.identity === null)
  )
    return null;
  const likeness = likenessOf(old.id.name, fresh.id.name);
  const [place, dependents] = [placeOf(candidate), dependentsOf(candidate)];
  const isAlike = likeness >= 0.5;
  // Behind all others is where every new column is: there it has to be the only one that fits.
  if (place === 'last' && !isAlike && dependents !== 'same' && !isOnly(candidate)) return null;
  const sameAttributes = attributesOf(old, candidate.from) === attributesOf(fresh, candidate.to);
  const points: readonly (readonly [number, string])[] = [
    [
      sameAttributes ? 1 : -1,
      sameAttributes ? `both are ${String(type)}, with the same default and NOT NULL` : `both are ${String(type)}`,
    ],
    [isAlike ? (likeness >= 0.75 ? 3 : 2) : 0, 'their names are alike'],
    [place === 'elsewhere' ? 0 : 3, 'they stand in the same place'],
    [
      dependents === 'same' ? 3 : dependents === 'others' ? -2 : 0,
      'the same indexes, constraints and comments hang on them',
    ],
  ];
  const score = points.reduce((sum, [more]) => sum + more, 0);
  const evidence = points.flatMap(([more, text], at) => (more > 0 || at === 0 ? [text] : []));
  return score < ENOUGH ? null : { old, fresh, score, evidence };
}

function isOnly({ old, before, after, from, to }: Candidate): boolean {
  const fits = ({ payload }: Column): boolean => payload.type === old.payload.type;
  const [gone, come] = [before.filter(({ id }) => !to.has(id)), after.filter(({ id }) => !from.has(id))];
  return gone.filter(fits).length === 1 && come.filter(fits).length === 1;
}

function bestPairs(pairs: readonly Pair[]): Pair[] {
  const taken = new Set<string>();
  return pairs
    .toSorted((one, other) => other.score - one.score || (one.old.id.name < other.old.id.name ? -1 : 1))
    .filter(({ old, fresh }) => {
      const ids = [encodeId(old.id), encodeId(fresh.id)];
      if (ids.some((id) => taken.has(id))) return false;
      for (const id of ids) taken.add(id);
      return true;
    });
}

/** From 0 to 1: by their letters, or by the words that they share. */
function likenessOf(one: string, other: string): number {
  const [some, others] = [one, other].map((name) =>
    camelToSnake(name)
      .split('_')
      .filter((word) => word !== ''),
  );
  const shared = (some ?? []).filter((word) => (others ?? []).includes(word)).length;
  const words = shared / Math.max(1, Math.min(some?.length ?? 0, others?.length ?? 0));
  const letters = 1 - distance(one.toLowerCase(), other.toLowerCase()) / Math.max(one.length, other.length);
  return Math.max(words, letters);
}

/** Between the same columns, of those that stay; `last` where only new ones stand behind it. */
function placeOf({ old, fresh, before, after, from, to }: Candidate): 'same' | 'last' | 'elsewhere' {
  const around = (column: Column, all: readonly Column[], other: FactBase): [string | null, string | null] => {
    const staying = all.filter(({ id }) => other.has(id));
    const previous = staying.findLast(({ position }) => position < column.position)?.id.name ?? null;
    const next = staying.find(({ position }) => position > column.position)?.id.name ?? null;
    return [previous, next];
  };
  const [[previous, next], [previousOfNew, nextOfNew]] = [around(old, before, to), around(fresh, after, from)];
  if (previous !== previousOfNew || next !== nextOfNew) return 'elsewhere';
  return next === null ? 'last' : 'same';
}

const attributesOf = ({ id, payload }: Column, facts: FactBase): string => {
  const expression = facts.get({ ...id, kind: 'default' })?.payload.expr ?? null;
  return JSON.stringify([
    payload.notNull,
    expression === null ? null : String(expression).replace(/nextval\(.*\)/, 'nextval'),
  ]);
};

/** What names the column in its definition, with the name left out. */
function dependentsOf({ old, fresh, from, to }: Candidate): 'none' | 'same' | 'others' {
  const [some, others] = [dependentsIn(from, old), dependentsIn(to, fresh)];
  if (some.length === 0 && others.length === 0) return 'none';
  return some.join('\n') === others.join('\n') ? 'same' : 'others';
}

function dependentsIn(facts: FactBase, { id }: Column): string[] {
  const named = new RegExp(`(?<![\\w$"])(?:${escaped(quoteIdent(id.name))}|${escaped(id.name)})(?![\\w$"])`, 'g');
  const found: string[] = [];
  for (const { from: dependent } of facts.incomingEdges(id)) {
    const definition = facts.get(dependent)?.payload.def;
    if (typeof definition !== 'string' || (dependent.kind !== 'constraint' && dependent.kind !== 'index')) continue;
    // Names of indexes go with the names of their columns.
    const text = dependent.kind === 'index' ? definition.replace(/INDEX \S+ ON/, 'INDEX ON') : definition;
    found.push(`${dependent.kind} ${text.replaceAll(named, ':column')}`);
  }
  const comment = facts.get({ kind: 'comment', target: id })?.payload;
  if (comment !== undefined) found.push(`comment ${JSON.stringify(comment)}`);
  return [...new Set(found)].sort();
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
