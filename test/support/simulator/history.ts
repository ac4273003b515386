import type { Change, Changes } from '../../../src/domain/change.ts';
import type { Manifest, ManifestEntry } from '../../../src/domain/manifest.ts';
import type { Release } from '../../../src/domain/release.ts';
import { RENAME_STEPS, type RenameStepName, STEP_FACTS } from '../../../src/domain/rename.ts';
import { renameFacts } from '../rename-facts.ts';

/** What a migration of a made-up history does, as data: the model runs it in memory, PostgreSQL as SQL. */
export type Operation =
  | { readonly kind: 'create table'; readonly table: string; readonly columns: readonly string[] }
  | { readonly kind: 'add column'; readonly table: string; readonly column: string }
  | { readonly kind: 'drop column'; readonly table: string; readonly column: string }
  /** Appends a text to each value of rows that are there. */
  | { readonly kind: 'append'; readonly table: string; readonly column: string; readonly text: string }
  /** Gives a column a default, or takes it away: also while it is being renamed. Clients name their columns, so it never reaches a row. */
  | { readonly kind: 'alter default'; readonly table: string; readonly column: string; readonly text: string | null }
  | { readonly kind: 'rename'; readonly rename: RenameSpan; readonly step: RenameStepName };

/** A change in three phases and the releases of these, as places in the history. */
interface RenameSpan {
  /** To clients a split is a rename, since they use one of its new columns; a change of type gives the column back under its name. */
  readonly kind: 'rename' | 'split' | 'retype';
  readonly name: string;
  readonly table: string;
  readonly from: string;
  readonly to: string;
  readonly releases: readonly [number, number, number];
}

/** A column of a table as releases know it: under which name, from and up to which release. */
export interface Attribute {
  readonly table: string;
  /** Names by the place of the release that first reads and writes it under that name. */
  readonly names: { from: number; name: string }[];
  readonly added: number;
  /** Place of the first release that does not know it any more. */
  dropped: number;
}

export interface Step {
  readonly operation: Operation;
  readonly entry: ManifestEntry;
}

/** A made-up history of an application. */
export interface History {
  readonly seed: number;
  readonly releases: readonly Release[];
  readonly manifests: readonly Manifest[];
  readonly steps: ReadonlyMap<string, Step>;
  readonly renames: Changes;
  readonly attributes: readonly Attribute[];
}

/** Numbers from 0 to 1. */
export type Random = () => number;

export interface HistoryOptions {
  /** How many releases there are, the first with the tables. */
  readonly releases: number;
  /** Whether some migrations have not been observed. */
  readonly unknown?: boolean;
}

/**
 * Makes up a history: renames that overlap, chain, share a table and take freed names; columns that come and go; data
 * migrations; dependencies that timestamps contradict.
 */
export function makeHistory(seed: number, random: Random, options: HistoryOptions): History {
  const maker = new Maker(random, options);
  maker.make();
  return { seed, ...maker.result() };
}

class Maker {
  readonly #random: Random;
  readonly #options: HistoryOptions;
  readonly #releases: Release[];
  readonly #entries: ManifestEntry[][];
  readonly #steps = new Map<string, Step>();
  readonly #renames = new Map<string, Change>();
  readonly #attributes: Attribute[] = [];
  /** Names taken in a table up to and with a release. */
  readonly #taken = new Map<string, number>();
  #count = 0;

  constructor(random: Random, options: HistoryOptions) {
    this.#random = random;
    this.#options = options;
    this.#releases = Array.from({ length: options.releases }, (_, place) => `1.${place}.0`);
    this.#entries = this.#releases.map(() => []);
  }

  make(): void {
    for (let table = 0; table < 1 + this.#below(3); table++) this.#createTable(0, `t${table}`);
    const last = this.#releases.length - 1;
    for (let place = 1; place <= last; place++) {
      while (this.#chance(0.7)) this.#startRename(place, last);
      if (this.#chance(0.3)) this.#addColumn(place);
      if (this.#chance(0.25)) this.#dropColumn(place, last);
      while (this.#chance(0.35)) this.#append(place);
      while (this.#chance(0.35)) this.#alterDefault(place);
      if (this.#chance(0.1)) this.#createTable(place, `t${10 + place}`);
    }
    for (const entries of this.#entries) this.#declareDependencies(entries);
  }

  result(): Omit<History, 'seed'> {
    return {
      releases: this.#releases,
      manifests: this.#releases.map((release, place) => ({
        release,
        state: 'released',
        migrations: this.#entries[place] ?? [],
        sources: [],
      })),
      steps: this.#steps,
      renames: this.#renames,
      attributes: this.#attributes,
    };
  }

  #createTable(place: number, table: string): void {
    const columns = Array.from({ length: 2 + this.#below(3) }, (_, index) => `c${index}`);
    this.#enter(place, { kind: 'create table', table, columns });
    for (const column of columns) this.#know(table, column, place);
  }

  #addColumn(place: number): void {
    const table = this.#pick(this.#attributes)?.table ?? 't0';
    const column = this.#freeName(table, place);
    this.#enter(place, { kind: 'add column', table, column });
    this.#know(table, column, place);
  }

  /** The application stops using it in one release; a later or the same one drops it. */
  #dropColumn(place: number, last: number): void {
    const attribute = this.#pick(this.#usable(place));
    if (!attribute || this.#usable(place).filter(({ table }) => table === attribute.table).length < 2) return;
    const at = Math.min(last, place + this.#below(3));
    attribute.dropped = place;
    const column = nameAt(attribute, place);
    const entry = { breaks: `<${this.#releases[place]}` };
    this.#enter(at, { kind: 'drop column', table: attribute.table, column }, entry);
    this.#taken.set(`${attribute.table}.${column}`, at);
  }

  #append(place: number): void {
    // Also of what is being renamed: data migrations use the name that the application of their release uses.
    const attribute = this.#pick(this.#attributes.filter(({ added, dropped }) => added < place && dropped > place));
    if (!attribute) return;
    const { table } = attribute;
    this.#enter(place, { kind: 'append', table, column: nameAt(attribute, place), text: `+${this.#count}` });
  }

  /** Under the name that the application of the release uses: in the release of a second phase that is the new column, before or after the switch. */
  #alterDefault(place: number): void {
    // The sync of a split tells by it what was given: it refuses another one.
    const alterable = this.#attributes.filter((one) => (this.#splitUntil.get(one) ?? -1) < place);
    const attribute = this.#pick(alterable.filter(({ added, dropped }) => added < place && dropped > place));
    if (!attribute) return;
    const text = this.#chance(0.7) ? `d${this.#count}` : null;
    const column = nameAt(attribute, place);
    this.#enter(place, { kind: 'alter default', table: attribute.table, column, text });
  }

  #startRename(place: number, last: number): void {
    const attribute = this.#pick(this.#usable(place).filter(({ added }) => added < place));
    const second = place + 1 + this.#below(Math.min(2, last - place - 1));
    const third = second + 1 + this.#below(Math.min(3, last - second));
    if (!attribute || third > last) return;
    const [table, from] = [attribute.table, nameAt(attribute, place)];
    const kind = this.#chance(0.6) ? 'rename' : this.#chance(0.5) ? 'split' : 'retype';
    const to = kind === 'retype' ? `${from}_triphase` : this.#freeName(table, place);
    const name = `${table}_${from}_to_${to}_${place}`;
    const rename = { kind, name, table, from, to, releases: [place, second, third] } as const;
    this.#renames.set(name, factsOf(rename));
    for (const step of RENAME_STEPS) {
      const { phase } = STEP_FACTS[step];
      const at = rename.releases[phase - 1] ?? place;
      const breaks = step === 'contract' ? { breaks: `<${this.#releases[second]}` } : {};
      this.#enter(at, { kind: 'rename', rename, step }, { rename: name, phase, step, ...breaks });
    }
    if (kind !== 'retype') {
      attribute.names.push({ from: second, name: to });
      this.#taken.set(`${table}.${from}`, third);
    }
    this.#busy.set(attribute, third);
    if (kind === 'split') this.#splitUntil.set(attribute, third);
  }

  readonly #splitUntil = new Map<Attribute, number>();
  /** Until when something is under way with an attribute. */
  readonly #busy = new Map<Attribute, number>();

  /** What the application uses in a release, and nothing is under way with. */
  #usable(place: number): Attribute[] {
    return this.#attributes.filter(
      (attribute) => attribute.added < place && attribute.dropped > place && (this.#busy.get(attribute) ?? -1) < place,
    );
  }

  #know(table: string, name: string, place: number): void {
    this.#attributes.push({ table, names: [{ from: place, name }], added: place, dropped: Number.POSITIVE_INFINITY });
    this.#taken.set(`${table}.${name}`, Number.POSITIVE_INFINITY);
  }

  /** Often one that has become free. */
  #freeName(table: string, place: number): string {
    const freed = [...this.#taken]
      .filter(([key, until]) => key.startsWith(`${table}.`) && until < place)
      .map(([key]) => key.slice(table.length + 1));
    const name = (this.#chance(0.6) ? this.#pick(freed) : undefined) ?? `n${this.#count}`;
    this.#taken.set(`${table}.${name}`, Number.POSITIVE_INFINITY);
    return name;
  }

  #enter(place: number, operation: Operation, more: Partial<ManifestEntry> = {}): void {
    const suffix =
      operation.kind === 'rename'
        ? `${operation.rename.name}_phase_${STEP_FACTS[operation.step].phase}_${operation.step}`
        : operation.kind.replace(' ', '_');
    const id = `${20260101000000 + this.#count++}_${suffix}`;
    const table = operation.kind === 'rename' ? operation.rename.table : operation.table;
    const isData = operation.kind === 'append' || (operation.kind === 'rename' && operation.step === 'backfill');
    const isUnknown = (this.#options.unknown ?? false) && this.#chance(0.1);
    const entry: ManifestEntry = {
      id,
      kind: isData ? 'data' : 'schema',
      sha256: '',
      ...(isUnknown ? {} : { touches: [`public.${table}`] }),
      ...more,
    };
    this.#steps.set(id, { operation, entry });
    this.#entries[place]?.push(entry);
  }

  /** Some migrations say after which others of their release they run, also where these have later timestamps. */
  #declareDependencies(entries: ManifestEntry[]): void {
    entries.forEach((entry, index) => {
      const before = entries[this.#below(Math.max(1, index))];
      if (index === 0 || !before || !this.#chance(0.15)) return;
      entries[index] = { ...entry, after: [before.id] };
      const step = this.#steps.get(entry.id);
      if (step) this.#steps.set(entry.id, { ...step, entry: entries[index] ?? entry });
    });
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#below(items.length)];
  }
}

/** The second new column of a split, which no client uses. */
export const besideSplit = (to: string, place: number): string => `${to}_beside_${place}`;

function factsOf({ kind, releases, ...span }: RenameSpan): Change {
  const { name, table, from, to } = span;
  const plain = renameFacts(span);
  if (kind === 'rename') return plain;
  const identity = { sql: '$1', mayFail: false };
  if (kind === 'retype')
    return { ...plain, retype: { type: 'text', byteEqual: true, forward: identity, back: identity } };
  const column = { type: 'text', byteEqual: true, notNull: false, default: null, value: identity };
  return {
    ...{ name, kind, table: { schema: 'public', name: table }, dropped: [], sync: plain.sync, partOf: null },
    old: [{ ...column, name: from }],
    fresh: [to, besideSplit(to, releases[0])].map((one) => ({ ...column, name: one })),
  };
}

/** Under which name a release knows an attribute. */
export function nameAt({ names }: Attribute, place: number): string {
  return names.findLast(({ from }) => from <= place)?.name ?? '';
}

/** What a release reads and writes. */
export function attributesAt(history: History, place: number): Attribute[] {
  return history.attributes.filter(({ added, dropped }) => added <= place && place < dropped);
}
