import type { RenamedColumns } from './columns.ts';
import type { Places } from './places.ts';
import { type Deprecated, deprecated, type Fate, type ResultField, type RowParser, rowParser } from './rows.ts';

/** How many forms of results are remembered: more than an application's own statements, and an end to generated ones. */
const MOST_KNOWN = 1_000;

/**
 * What a release of the application gets to see of the columns that are being renamed: in phase 1 not the new one, and
 * reading the old one warns; from phase 2 on not the old one.
 */
export class Reads {
  readonly #renames: readonly RenamedColumns[];
  readonly #places: Places;
  readonly #deprecated = new Map<string, Deprecated>();
  /** By the form of a result: rows of one form have one hidden class, however often their statement runs. */
  readonly #parsers = new Map<string, RowParser | null>();

  constructor(renames: readonly RenamedColumns[], places: Places) {
    this.#renames = renames;
    this.#places = places;
  }

  /** For the rows of one result; null when they stay as they are. */
  parserOf(fields: readonly ResultField[]): RowParser | null {
    const form = fields
      .map(({ tableID, columnID, format, name }) => `${tableID}.${columnID} ${format} ${name}`)
      .join('\0');
    const known = this.#parsers.get(form);
    if (known !== undefined) return known;
    if (this.#parsers.size >= MOST_KNOWN) this.#parsers.clear();
    const made = this.#newParserOf(fields);
    this.#parsers.set(form, made);
    return made;
  }

  #newParserOf(fields: readonly ResultField[]): RowParser | null {
    const fates = fields.map((field) => this.#fateOf(field));
    return fates.every((fate) => fate === 'as it is') ? null : rowParser(fields, fates);
  }

  #fateOf({ name, tableID, columnID }: ResultField): Fate {
    const key = `${tableID}.${columnID}`;
    for (const renamed of this.#renames) {
      const { from, to, retype } = renamed.rename;
      if (retype !== null) {
        // Which of the two goes by it changes while the application runs.
        if (name === to && (renamed.old.has(key) || renamed.new.has(key))) return 'left out';
        continue;
      }
      if (renamed.phase > 1 ? renamed.old.has(key) : renamed.new.has(key) && name === to) return 'left out';
      if (renamed.phase === 1 && renamed.old.has(key) && name === from) return this.#deprecatedOf(renamed);
    }
    return 'as it is';
  }

  /** The same functions for all rows, which keeps their shape one and the same. */
  #deprecatedOf({ rename }: RenamedColumns): Deprecated {
    const known = this.#deprecated.get(rename.name);
    if (known) return known;
    const { table, from, to } = rename;
    const what = `${table.schema}.${table.name}.${from} is becoming ${to}`;
    const made = deprecated((getter) => this.#places.note(what, getter));
    this.#deprecated.set(rename.name, made);
    return made;
  }
}
