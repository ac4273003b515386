import type { Change, Changes } from '../domain/change.ts';
import type { BlockReason, OrderedMigration } from '../domain/plan.ts';
import { partsOf } from '../domain/rename.ts';
import { objectKeysOf, sharedObject } from '../objects/shared.ts';

/**
 * Why a later step may not pass a held one; null when it may. Two steps pass each other when they touch no table in
 * common, or when both come from renames of different columns that share no object.
 */
export function reasonToWait(later: OrderedMigration, held: OrderedMigration, renames: Changes): BlockReason | null {
  if (later.after?.includes(held.id)) return { kind: 'dependency' };
  if (later.rename !== undefined && held.rename !== undefined) {
    const [own, other] = [partsIn(renames, later.rename), partsIn(renames, held.rename)];
    if (own.length > 0 && other.length > 0 && later.rename !== held.rename) {
      const object = sharedByAny(own, other);
      return object === null ? null : { kind: 'object', object };
    }
    if (later.rename === held.rename) return { kind: 'dependency' };
  }
  const unknown = [later.touches === undefined ? [later.id] : [], isUnknown(held) ? [held.id] : []].flat();
  if (unknown.length > 0) return { kind: 'unknown', ids: unknown };
  const tables = (later.touches ?? []).filter((one) => held.touches?.some((other) => overlap(one, other)));
  return tables.length === 0 ? null : { kind: 'tables', tables };
}

function sharedByAny(some: readonly Change[], others: readonly Change[]): string | null {
  for (const one of some)
    for (const other of others) {
      const object = sharedObject(one, other);
      if (object !== null) return object;
    }
  return null;
}

/** Names of the parts of each change, found once for a project: plans ask for them again and again. */
const knownParts = new WeakMap<Changes, Map<string, readonly string[]>>();

function partsIn(renames: Changes, name: string): Change[] {
  const known = knownParts.get(renames) ?? new Map<string, readonly string[]>();
  knownParts.set(renames, known);
  const names = known.get(name) ?? partsOf(renames.values(), name).map((part) => part.name);
  known.set(name, names);
  return names.flatMap((part) => renames.get(part) ?? []);
}

/** A held step breaks something; where nothing of it was seen, that is not known. */
function isUnknown({ touches }: OrderedMigration): boolean {
  return touches === undefined || touches.length === 0;
}

/** The same object, or a schema and something in it. A schema has no dot. */
function overlap(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);
}

/** Held steps, found by what a later step could have in common with them. */
export class Barrier {
  readonly #renames: Changes;
  readonly #byTable = new Map<string, number[]>();
  readonly #unknown: number[] = [];
  readonly #all: OrderedMigration[] = [];
  readonly #places = new Map<string, number>();
  readonly #objects = new Map<Change, string[]>();

  constructor(renames: Changes) {
    this.#renames = renames;
  }

  add(held: OrderedMigration): void {
    const place = this.#all.push(held) - 1;
    this.#places.set(held.id, place);
    if (isUnknown(held)) this.#unknown.push(place);
    const touched = (held.touches ?? []).flatMap((name) => [name, `in ${schemaOf(name)}`]);
    const keys = new Set([...touched, ...this.#objectsOf(held)]);
    for (const key of keys) {
      const others = this.#byTable.get(key);
      if (others) others.push(place);
      else this.#byTable.set(key, [place]);
    }
  }

  /** The held steps that a later one may not pass, in their order, each with the reason. */
  *against(later: OrderedMigration): Generator<{ held: OrderedMigration; reason: BlockReason }> {
    for (const place of this.#candidates(later)) {
      const held = this.#all[place];
      const reason = held ? reasonToWait(later, held, this.#renames) : null;
      if (held && reason) yield { held, reason };
    }
  }

  /** Ascending, and only as far as they are asked for: the first one usually decides. */
  #candidates(later: OrderedMigration): Iterable<number> {
    const { touches, after } = later;
    if (touches === undefined) return this.#all.keys();
    const named = (after ?? []).flatMap((id) => this.#places.get(id) ?? []).sort((a, b) => a - b);
    const keys = touches.flatMap((name) => (name.includes('.') ? [name, schemaOf(name)] : [name, `in ${name}`]));
    const lists = [
      named,
      this.#unknown,
      ...[...new Set([...keys, ...this.#objectsOf(later)])].map((key) => this.#byTable.get(key) ?? []),
    ];
    return merged(lists.filter((list) => list.length > 0));
  }

  /** Changes may share what neither step touches, such as a foreign key seen from both ends. */
  #objectsOf({ rename }: OrderedMigration): string[] {
    if (rename === undefined) return [];
    return partsIn(this.#renames, rename).flatMap((part) => {
      const known = this.#objects.get(part) ?? objectKeysOf(part);
      this.#objects.set(part, known);
      return known;
    });
  }
}

const schemaOf = (name: string): string => name.split('.')[0] ?? name;

/** The numbers of several ascending lists, ascending, each once. */
function* merged(lists: readonly (readonly number[])[]): Generator<number> {
  const [only] = lists;
  if (lists.length === 1 && only) yield* only;
  if (lists.length < 2) return;
  const at = lists.map(() => 0);
  for (;;) {
    const next = Math.min(...lists.map((list, index) => list[at[index] ?? 0] ?? Number.POSITIVE_INFINITY));
    if (next === Number.POSITIVE_INFINITY) return;
    yield next;
    lists.forEach((list, index) => {
      if (list[at[index] ?? 0] === next) at[index] = (at[index] ?? 0) + 1;
    });
  }
}
