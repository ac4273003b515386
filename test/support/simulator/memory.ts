import { attributesAt, type History, nameAt, type Operation } from './history.ts';

type Row = Map<string, string | null>;

interface Table {
  readonly columns: Set<string>;
  readonly rows: Row[];
}

interface Sync {
  readonly table: string;
  readonly from: string;
  readonly to: string;
  phase: 1 | 2;
}

/** Rows that are there from the beginning; clients leave them alone. */
const SEEDED = 2;

/** A database in memory: tables, rows, and what the sync triggers of renames do. Whatever is wrong throws. */
export class Memory {
  readonly #history: History;
  readonly #tables = new Map<string, Table>();
  readonly #syncs = new Map<string, Sync>();
  #writes = 0;

  constructor(history: History) {
    this.#history = history;
  }

  run(id: string): void {
    const step = this.#history.steps.get(id);
    if (!step) throw new Error(`there is no step ${id}`);
    try {
      this.#apply(step.operation);
    } catch (error) {
      throw new Error(`${id}: ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * A release writes each of its columns, once in a new row and once in one that is there, and every release that is
   * alive reads what was written, under its own name.
   */
  exercise(writer: number, alive: readonly number[]): void {
    const mine = attributesAt(this.#history, writer);
    for (const [name, table] of this.#tables) {
      const own = mine.filter((attribute) => attribute.table === name);
      if (own.length === 0) continue;
      const row: Row = new Map([...table.columns].map((column) => [column, null]));
      const values = new Map(own.map((attribute) => [attribute, `w${this.#writes++}`]));
      table.rows.push(row);
      this.#write(name, row, new Map(own.map((attribute) => [nameAt(attribute, writer), values.get(attribute) ?? ''])));
      this.#expectRead(row, values, alive, writer);
      for (const attribute of own) {
        values.set(attribute, `w${this.#writes++}`);
        this.#write(name, row, new Map([[nameAt(attribute, writer), values.get(attribute) ?? '']]));
      }
      this.#expectRead(row, values, alive, writer);
      table.rows.pop();
    }
  }

  /** The schema and the rows from the beginning, to compare. */
  fingerprint(): string {
    const tables = [...this.#tables].sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify(
      tables.map(([name, { rows, columns }]) => [
        name,
        [...columns].sort().map((column) => [column, rows.map((row) => row.get(column) ?? null)]),
      ]),
    );
  }

  #expectRead(
    row: Row,
    values: ReadonlyMap<ReturnType<typeof attributesAt>[number], string>,
    alive: readonly number[],
    writer: number,
  ): void {
    for (const reader of alive) {
      for (const attribute of attributesAt(this.#history, reader)) {
        const expected = values.get(attribute);
        if (expected === undefined) continue;
        const name = nameAt(attribute, reader);
        const found = row.get(name);
        if (found !== expected) {
          const what = found === undefined ? 'no such column' : `${found} instead of ${expected}`;
          throw new Error(`release ${reader} reads ${attribute.table}.${name} after release ${writer}: ${what}`);
        }
      }
    }
  }

  #apply(operation: Operation): void {
    switch (operation.kind) {
      case 'create table': {
        if (this.#tables.has(operation.table)) throw new Error('the table exists');
        const rows = Array.from(
          { length: SEEDED },
          (_, row): Row => new Map(operation.columns.map((column) => [column, `${column} ${row}`])),
        );
        this.#tables.set(operation.table, { columns: new Set(operation.columns), rows });
        return;
      }
      case 'add column':
        this.#add(operation.table, operation.column);
        return;
      case 'drop column':
        this.#drop(operation.table, operation.column);
        return;
      case 'append': {
        this.#need(operation.table, operation.column);
        for (const row of this.#table(operation.table).rows) {
          const value = row.get(operation.column) ?? null;
          const changed = value === null ? null : value + operation.text;
          this.#write(operation.table, row, new Map([[operation.column, changed]]));
        }
        return;
      }
      case 'alter default':
        this.#need(operation.table, operation.column);
        return;
      case 'rename':
        this.#rename(operation);
    }
  }

  #rename({ rename: { kind, name, table, from, to }, step }: Extract<Operation, { kind: 'rename' }>): void {
    const sync = this.#syncs.get(name);
    this.#need(table, from);
    // The values stay what they are, under the same name.
    if (kind === 'retype') return;
    switch (step) {
      case 'expand':
        this.#add(table, to);
        this.#syncs.set(name, { table, from, to, phase: 1 });
        return;
      case 'backfill':
        this.#need(table, to);
        for (const row of this.#table(table).rows) row.set(to, row.get(from) ?? null);
        return;
      case 'constrain':
        this.#ensureEqual(table, from, to);
        return;
      case 'switch':
        this.#ensureEqual(table, from, to);
        if (sync?.phase !== 1) throw new Error('its first phase is not there');
        sync.phase = 2;
        return;
      case 'contract':
        this.#ensureEqual(table, from, to);
        if (sync?.phase !== 2) throw new Error('its second phase is not there');
        this.#syncs.delete(name);
        this.#drop(table, from);
        return;
    }
  }

  /** What the sync triggers do: whichever column was written goes into the other; on insert the one that has a value. */
  #write(table: string, row: Row, values: ReadonlyMap<string, string | null>): void {
    for (const column of values.keys()) this.#need(table, column);
    const before = new Map(row);
    for (const [column, value] of values) row.set(column, value);
    const syncs = [...this.#syncs.values()].filter((sync) => sync.table === table);
    for (const { from, to } of syncs) {
      if (row.get(from) !== before.get(from)) row.set(to, row.get(from) ?? null);
      else if (row.get(to) !== before.get(to)) row.set(from, row.get(to) ?? null);
    }
  }

  #ensureEqual(table: string, from: string, to: string): void {
    this.#need(table, to);
    for (const row of this.#table(table).rows) {
      if (row.get(from) !== row.get(to)) throw new Error(`${from} and ${to} differ`);
    }
  }

  #add(table: string, column: string): void {
    const { columns, rows } = this.#table(table);
    if (columns.has(column)) throw new Error(`${table}.${column} exists`);
    columns.add(column);
    for (const row of rows) row.set(column, null);
  }

  #drop(table: string, column: string): void {
    this.#need(table, column);
    const { columns, rows } = this.#table(table);
    columns.delete(column);
    for (const row of rows) row.delete(column);
  }

  #need(table: string, column: string): void {
    if (!this.#table(table).columns.has(column)) throw new Error(`there is no ${table}.${column}`);
  }

  #table(name: string): Table {
    const table = this.#tables.get(name);
    if (!table) throw new Error(`there is no table ${name}`);
    return table;
  }
}
