import { wordsOf } from './words.ts';

/** How sure it is that a place means the column. */
export type Certainty = 'sure' | 'likely' | 'by_name';

/** The column whose usages are looked for. */
export interface Target {
  readonly table: string;
  /** By which code knows it: as SQL has it, and in camel case. */
  readonly names: ReadonlySet<string>;
  /** By which code calls its table, and a row of it. */
  readonly words: ReadonlySet<string>;
  /** The same of other tables. */
  readonly others: ReadonlySet<string>;
}

/** `own`: the table, or its column. `other`: another one. `unknown`: nothing says which. */
export type Meaning = 'own' | 'other' | 'unknown';

/** @param others names of other tables; what they share with the own one says nothing. */
export function targetOf(table: string, column: string, others: Iterable<string>): Target {
  const words = wordsOf(table);
  return {
    table,
    names: new Set([column, camelCase(column)]),
    words,
    others: new Set([...others].flatMap((name) => [...wordsOf(name)]).filter((word) => !words.has(word))),
  };
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

/** What SQL, or a query, names as its table. */
export function meaningOfTable(name: string, { table, words }: Pick<Target, 'table' | 'words'>): Meaning {
  return name === table || words.has(name) ? 'own' : 'other';
}

/** Of a column in a query over several tables. */
export function meaningAmong(tables: readonly Meaning[]): Meaning | null {
  if (tables.length === 0) return null;
  if (tables.every((one) => one === 'own')) return 'own';
  return tables.every((one) => one === 'other') ? 'other' : 'unknown';
}

const RANKS: readonly Certainty[] = ['sure', 'likely', 'by_name'];

/** Puts what is said of lines together: of a line the surest. */
export class Lines {
  readonly #found = new Map<number, Certainty>();

  add(line: number, certainty: Certainty): void {
    const known = this.#found.get(line);
    if (known === undefined || RANKS.indexOf(certainty) < RANKS.indexOf(known)) this.#found.set(line, certainty);
  }

  /** Null for a line that names nothing. */
  of(line: number): Certainty | null {
    return this.#found.get(line) ?? null;
  }
}
