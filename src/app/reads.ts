import type { RenamedColumns } from './columns.ts';
import type { Places } from './places.ts';

/** A column of a result, as PostgreSQL describes it. */
export interface ResultField {
  readonly name: string;
  readonly tableID: number;
  readonly columnID: number;
  readonly format?: string;
}

/** How a column of a result comes into a row. */
type Fate = 'as it is' | 'left out' | Deprecated;

type Row = Record<string, unknown>;
type Parser = (raw: unknown) => unknown;

/** Makes a row of the values that came over the wire. */
export type RowParser = (values: readonly unknown[], parsers: readonly Parser[]) => Row;

/** An own property of a row that tells when it is read; rows can be printed, copied and compared as before. */
interface Deprecated {
  readonly accessor: PropertyDescriptor;
  put(row: Row, value: unknown): void;
}

/**
 * What a release of the application gets to see of the columns that are being renamed: in phase 1 not the new one, and
 * reading the old one warns; from phase 2 on not the old one.
 */
export class Reads {
  readonly #renames: readonly RenamedColumns[];
  readonly #places: Places;
  readonly #deprecated = new Map<string, Deprecated>();

  constructor(renames: readonly RenamedColumns[], places: Places) {
    this.#renames = renames;
    this.#places = places;
  }

  /** For the rows of one result; null when they stay as they are. */
  parserOf(fields: readonly ResultField[]): RowParser | null {
    const own = fields.map((field) => this.#fateOf(field));
    if (own.every((fate) => fate === 'as it is')) return null;
    // Of several columns with one name a row holds the last.
    const last = new Map(fields.map(({ name }, index) => [name, index]));
    const fates = own.map((fate, index): Fate => (last.get(fields[index]?.name ?? '') === index ? fate : 'left out'));
    return rowParser(fields, fates);
  }

  #fateOf({ name, tableID, columnID }: ResultField): Fate {
    const key = `${tableID}.${columnID}`;
    for (const renamed of this.#renames) {
      const { from, to } = renamed.rename;
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
    const made = deprecated(() => this.#places.note(what));
    this.#deprecated.set(rename.name, made);
    return made;
  }
}

/** Gives back the object that it is handed, so that a class may add a private field to it. */
class Given {
  constructor(row: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the only way to give an object that is there a private field
    return row;
  }
}

/** A private field keeps the value: nothing that copies or prints a row comes across it, and it is fast. */
function deprecated(onRead: () => void): Deprecated {
  class Kept extends Given {
    #value: unknown;

    constructor(row: Row, value: unknown) {
      super(row);
      this.#value = value;
    }

    static readonly accessor: PropertyDescriptor = {
      enumerable: true,
      configurable: true,
      get(this: Kept) {
        onRead();
        return this.#value;
      },
      set(this: Kept, value: unknown) {
        this.#value = value;
      },
    };
  }
  return { accessor: Kept.accessor, put: (row, value) => void new Kept(row, value) };
}

/** As pg itself makes rows, but for what is left out or deprecated. */
function rowParser(fields: readonly ResultField[], fates: readonly Fate[]): RowParser {
  return (values, parsers) => {
    const row: Row = {};
    for (let index = 0; index < values.length; index++) {
      const fate = fates[index];
      const field = fields[index] as ResultField;
      if (fate === 'left out') continue;
      const value = parse(values[index], field, parsers[index] as Parser);
      if (typeof fate === 'object') {
        Object.defineProperty(row, field.name, fate.accessor);
        fate.put(row, value);
      } else {
        row[field.name] = value;
      }
    }
    return row;
  };
}

function parse(raw: unknown, { format }: ResultField, parser: Parser): unknown {
  if (raw === null) return null;
  return parser(format === 'binary' ? Buffer.from(raw as Buffer) : raw);
}
