import type { ObjectFacts } from '../domain/facts.ts';
import { defaultValue } from './attributes/default.ts';
import { notNull } from './attributes/not-null.ts';
import { check } from './constraints/check.ts';
import { foreignKey } from './constraints/foreign-key.ts';
import { referencingKey } from './constraints/referencing-key.ts';
import { parsedFunction } from './dependents/function.ts';
import { generatedColumn } from './dependents/generated-column.ts';
import { keyToPrimaryKey } from './dependents/key-to-primary-key.ts';
import { materializedView } from './dependents/materialized-view.ts';
import { policy } from './dependents/policy.ts';
import { publication } from './dependents/publication.ts';
import { rule } from './dependents/rule.ts';
import { tableRule } from './dependents/table-rule.ts';
import { view } from './dependents/view.ts';
import { exclusion } from './indexes/exclusion.ts';
import { index } from './indexes/index.ts';
import { primaryKey } from './indexes/primary-key.ts';
import { unique } from './indexes/unique.ts';
import type { AnyKind, BoundKind, TwinnedKind } from './kind.ts';
import { statistics } from './statistics/statistics.ts';
import { trigger } from './triggers/trigger.ts';

/** Every kind of object that hangs on a column, in the order in which steps build them: what others need comes first. Steps are undone in the reverse order. */
export const KINDS = [
  defaultValue,
  index,
  unique,
  exclusion,
  check,
  notNull,
  primaryKey,
  foreignKey,
  referencingKey,
  statistics,
  trigger,
  generatedColumn,
  policy,
  parsedFunction,
  publication,
  view,
  materializedView,
  rule,
  keyToPrimaryKey,
  tableRule,
] as const satisfies readonly AnyKind[];

type OneKind = (typeof KINDS)[number];
type KindName = OneKind['name'];

/** What was found on a column, by the names of kinds. */
export type ObjectsByKind = {
  readonly [N in KindName]: readonly FactsOf<Extract<OneKind, { name: N }>>[];
};
type FactsOf<K> = K extends TwinnedKind<string, infer F> ? F : K extends BoundKind<string, infer F> ? F : ObjectFacts;

const byName: ReadonlyMap<string, AnyKind> = new Map(KINDS.map((kind) => [kind.name, kind]));

/** Names of kinds whose objects have twins, or are bound anew. */
export const TWINNED_NAMES = namesOf('twin');
export const BOUND_NAMES = namesOf('bound');

function namesOf(carried: AnyKind['carried']): string[] {
  return KINDS.filter((kind) => kind.carried === carried).map(({ name }) => name);
}

/** The kind of a name. @throws when there is none: `db/renames` is checked as it is read. */
export function kindOf(name: string): AnyKind {
  const kind = byName.get(name);
  if (kind === undefined) throw new Error(`There is no kind of object called ${name}.`);
  return kind;
}

export function isKnownKind(name: string): boolean {
  return byName.has(name);
}

export function twinnedKind(name: string): TwinnedKind {
  const kind = kindOf(name);
  if (kind.carried !== 'twin') throw new Error(`A ${name} has no twin.`);
  return kind;
}

export function isBoundName(name: string): boolean {
  return byName.get(name)?.carried === 'bound';
}

export function boundKind(name: string): BoundKind {
  const kind = kindOf(name);
  if (kind.carried !== 'bound') throw new Error(`A ${name} is not bound anew.`);
  return kind;
}

/** Whether what hangs on a column by the name of a kind is on any table, and references the column. */
export function isElsewhere(name: string): boolean {
  return byName.get(name)?.place === 'elsewhere';
}

/** Kinds with what was found of each. @param kinds for tests, which add one of their own. */
export function byKind(
  objects: Readonly<Record<string, readonly ObjectFacts[]>>,
  kinds: readonly AnyKind[] = KINDS,
): { readonly kind: AnyKind; readonly objects: readonly ObjectFacts[] }[] {
  return kinds.map((kind) => ({ kind, objects: objects[kind.name] ?? [] }));
}

/** Objects of one kind, and none of the others. */
export function only(kind: { readonly name: string }, objects: readonly ObjectFacts[]): ObjectsByKind {
  return Object.fromEntries(
    KINDS.map(({ name }) => [name, name === kind.name ? objects : []]),
  ) as unknown as ObjectsByKind;
}
