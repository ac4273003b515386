import { inspect } from 'node:util';
import type { Boundary } from './places.ts';

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

/** An own property of a row that tells when it is read. */
export interface Deprecated {
  readonly accessor: PropertyDescriptor;
  /** Where a row keeps the value. Not enumerable: nothing that copies, compares or prints a row comes across it. */
  readonly kept: symbol;
}

/** What a row gets: under which name, and which of the values. */
interface Slot {
  readonly name: string;
  readonly index: number;
  readonly isBinary: boolean;
  readonly deprecated: Deprecated | null;
}

/** As pg itself makes rows, but for what is left out or deprecated. */
export function rowParser(fields: readonly ResultField[], fates: readonly Fate[]): RowParser {
  const slots = slotsOf(fields, fates);
  const Row = roomyRow();
  return (values, parsers) => {
    const row = new Row();
    for (let place = 0; place < slots.length; place++) {
      const { name, index, isBinary, deprecated } = slots[place] as Slot;
      const raw = values[index];
      const value = raw === null ? null : (parsers[index] as Parser)(isBinary ? Buffer.from(raw as Buffer) : raw);
      if (deprecated === null) row[name] = value;
      else putDeprecated(row, name, value, deprecated);
    }
    return row;
  };
}

/** Of several columns with one name a row has the last, in the place of the first. */
function slotsOf(fields: readonly ResultField[], fates: readonly Fate[]): Slot[] {
  const slots = new Map<string, Slot>();
  fields.forEach(({ name, format }, index) => {
    const fate = fates[index] ?? 'as it is';
    if (fate === 'left out') return;
    slots.set(name, { name, index, isBinary: format === 'binary', deprecated: fate === 'as it is' ? null : fate });
  });
  return [...slots.values()];
}

/** Used again for each row: the value is taken out of it at once. */
const hidden: PropertyDescriptor = { value: undefined, writable: true, enumerable: false, configurable: true };
const printable: PropertyDescriptor = {
  value: withoutAccessors,
  writable: true,
  enumerable: false,
  configurable: true,
};

function putDeprecated(row: Row, name: string, value: unknown, { accessor, kept }: Deprecated): void {
  Object.defineProperty(row, name, accessor);
  hidden.value = value;
  Object.defineProperty(row, kept, hidden);
  hidden.value = undefined;
  Object.defineProperty(row, inspect.custom, printable);
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

/** @param onRead is called before each read, with the accessor's function. */
export function deprecated(onRead: (getter: Boundary) => void): Deprecated {
  const kept = Symbol('kept');
  const accessor = {
    enumerable: true,
    configurable: true,
    get(this: Record<symbol, unknown>): unknown {
      onRead(accessor.get);
      return this[kept];
    },
    set(this: Record<symbol, unknown>, value: unknown): void {
      this[kept] = value;
    },
  };
  keptBy.set(accessor.get, kept);
  return { accessor, kept };
}

const keptBy = new Map<unknown, symbol>();

/** What Node prints of a row: it would show accessors as such. */
function withoutAccessors(this: Row): Row {
  const copy: Row = {};
  for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(this))) {
    const kept = keptBy.get(get);
    copy[name] = kept === undefined ? this[name] : (this as Record<symbol, unknown>)[kept];
  }
  return copy;
}
