/** A column of a result, as PostgreSQL describes it. */
export interface ResultField {
  readonly name: string;
  readonly tableID: number;
  readonly columnID: number;
  readonly format?: string;
}

/** How a column of a result comes into a row. */
export type Fate = 'as it is' | 'left out' | Deprecated;

type Row = Record<string, unknown>;
type Parser = (raw: unknown) => unknown;

/** Makes a row of the values that came over the wire. */
export type RowParser = (values: readonly unknown[], parsers: readonly Parser[]) => Row;

/** An own property of a row that tells when it is read; rows can be printed, copied and compared as before. */
export interface Deprecated {
  readonly accessor: PropertyDescriptor;
  put(row: Row, value: unknown): void;
}

/** As pg itself makes rows, but for what is left out or deprecated. */
export function rowParser(fields: readonly ResultField[], fates: readonly Fate[]): RowParser {
  const Row = roomyRow();
  return (values, parsers) => {
    const row = new Row();
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

/**
 * A constructor of empty plain objects with room for properties within themselves. V8 takes the room from the
 * assignments that it counts in the constructor's text, and gives back after the first few objects what they did not use.
 * An object written as a literal has four places; further properties go into arrays, which are made anew as they grow.
 */
function roomyRow(): new () => Row {
  function Row(this: Row, isNever: true | undefined) {
    if (!isNever) return;
    this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = undefined;
    this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = undefined;
    this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = undefined;
    this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = this.a = undefined;
  }
  Row.prototype = Object.prototype;
  return Row as unknown as new () => Row;
}

/** Gives back the object that it is handed, so that a class may add a private field to it. */
class Given {
  constructor(row: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the only way to give an object that is there a private field
    return row;
  }
}

/** A private field keeps the value: nothing that copies or prints a row comes across it, and it is fast. */
export function deprecated(onRead: () => void): Deprecated {
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
