import type { ObjectFacts } from '../domain/facts.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { isTwinned, type Rename } from '../domain/rename.ts';
import type { TableFacts } from './table-facts.ts';

/** A rename of a table's column, as the pieces of its steps are put together: what kinds of objects are asked with. */
export class Renaming {
  readonly facts: TableFacts;
  readonly rename: Rename;
  /** The table, and both columns, quoted. */
  readonly on: string;
  readonly old: string;
  readonly new: string;
  #beside: readonly Renaming[] = [];
  readonly #twins: ReadonlyMap<string, string>;

  constructor(facts: TableFacts, rename: Rename) {
    this.facts = facts;
    this.rename = rename;
    this.on = quoteQualified(rename.table);
    this.old = quoteIdent(rename.from);
    this.new = quoteIdent(rename.to);
    const twins = rename.carried.filter(isTwinned);
    this.#twins = new Map(twins.map(({ kind, on = this.on, name, twin }) => [`${kind} ${on} ${name}`, twin]));
  }

  /** Renamings of columns of one table at the same moment, which know of each other. */
  static together(first: Renaming, ...others: Renaming[]): readonly [Renaming, ...Renaming[]] {
    const all = [first, ...others] as const;
    for (const one of all) one.#beside = all.filter((other) => other !== one);
    return all;
  }

  /** Those of columns that are renamed with it. */
  get beside(): readonly Renaming[] {
    return this.#beside;
  }

  /** The name of an object's twin; its own where it has none. */
  twinOf<F extends ObjectFacts>(kind: { readonly name: string; placeOf(object: F): string }, object: F): string {
    return this.#twins.get(`${kind.name} ${kind.placeOf(object)} ${object.name}`) ?? object.name;
  }

  /** Of the table itself it is known whether it is partitioned; a partition that is partitioned has the same way. */
  isPartitioned(on: QualifiedName): boolean {
    return this.facts.partitioned && this.isHome(on);
  }

  isHome(on: QualifiedName): boolean {
    return quoteQualified(on) === this.on;
  }

  /** `on` as calls take it: left out for the table of the rename. */
  place(on: QualifiedName | null): { on?: string } {
    return on === null || this.isHome(on) ? {} : { on: quoteQualified(on) };
  }
}
