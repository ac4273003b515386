import { quoteIdent, quoteLiteral } from '../../domain/identifier.ts';
import type { Position } from '../../ledger/checkpoint.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import type { Leaf } from './leaves.ts';
import type { Walk } from './walk.ts';

/** A column of a key, as SQL. */
export interface KeyColumn {
  readonly name: string;
  readonly type: string;
  /** The type is one of PostgreSQL's own, and so are the operators that its index goes by. */
  readonly isBuiltIn: boolean;
}

/** Ranges of a unique key, where the table's access method has no pages, or each row has to be met exactly once. */
export class KeyWalk implements Walk {
  readonly kind = 'keys';
  readonly sweeps = 1;
  readonly movedShare = 1;
  readonly windowUnits = 50_000;
  readonly firstBatch = 100;
  readonly largestBatch = 20_000;
  readonly total: number;
  readonly #table: string;
  readonly #columns: readonly KeyColumn[];

  constructor({ name }: Leaf, columns: readonly KeyColumn[], rows: number) {
    this.#table = name;
    this.#columns = columns;
    this.total = Math.max(0, Math.round(rows));
  }

  async end(db: Queryable): Promise<Position | null> {
    const order = this.#columns.map(({ name }) => `${quoteIdent(name)} DESC`).join(', ');
    const [last] = await all<{ key: string[] }>(
      db,
      `SELECT ${this.#asText()} AS key FROM ONLY ${this.#table} ORDER BY ${order} LIMIT 1`,
    );
    return last?.key ?? null;
  }

  async advance(db: Queryable, from: Position | null, to: Position, units: number): Promise<Position> {
    const [last] = await all<{ key: string[] }>(
      db,
      `SELECT ${this.#asText()} AS key FROM ONLY ${this.#table} WHERE ${this.within(from, to)}
       ORDER BY ${this.#names()} OFFSET ${units - 1} LIMIT 1`,
    );
    return last?.key ?? to;
  }

  units(_from: Position | null, _to: Position, asked: number): number {
    return asked;
  }

  within(from: Position | null, to: Position): string {
    // In a statement of the application, where an operator that somebody made may fit better.
    const own = this.#columns.every(({ isBuiltIn }) => isBuiltIn);
    const operator = (name: string): string => (own ? `OPERATOR(pg_catalog.${name})` : name);
    const upper = `ROW(${this.#names()}) ${operator('<=')} ROW(${this.#values(to)})`;
    return from === null ? upper : `ROW(${this.#names()}) ${operator('>')} ROW(${this.#values(from)}) AND ${upper}`;
  }

  #names(): string {
    return this.#columns.map(({ name }) => quoteIdent(name)).join(', ');
  }

  #asText(): string {
    return `ARRAY[${this.#columns.map(({ name }) => `${quoteIdent(name)}::text`).join(', ')}]`;
  }

  #values(position: Position): string {
    return this.#columns.map(({ type }, at) => `${quoteLiteral(position[at] ?? '')}::${type}`).join(', ');
  }
}

/** The columns of a key by which every row of a table can be reached once: unique, not partial, no NULLs; null: none. */
export async function walkableKey(db: Queryable, leaf: Leaf): Promise<KeyColumn[] | null> {
  const [found] = await all<{ columns: KeyColumn[] }>(
    db,
    `SELECT (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
         'isBuiltIn', (SELECT t.typnamespace = 'pg_catalog'::regnamespace FROM pg_type t WHERE t.oid = a.atttypid)) ORDER BY k.place)
       FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
       WHERE k.place <= i.indnkeyatts) AS columns
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
     WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
       AND am.amname = 'btree' AND NOT EXISTS (SELECT 1 FROM pg_catalog.unnest(i.indoption::int2[]) AS o WHERE o <> 0)
       AND NOT EXISTS (SELECT 1 FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) JOIN pg_attribute a
         ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE k.place <= i.indnkeyatts AND NOT a.attnotnull)
     ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1`,
    [leaf.oid],
  );
  return found?.columns ?? null;
}

/** Rows as the statistics estimate them; 0 where the table is gone. */
export async function estimatedRows(db: Queryable, leaf: Leaf): Promise<number> {
  const [found] = await all<{ rows: number }>(
    db,
    'SELECT greatest(reltuples, 0)::float8 AS rows FROM pg_class WHERE oid = $1::oid',
    [leaf.oid],
  );
  return found?.rows ?? 0;
}
