import { deriveName, quoteIdent, quoteLiteral, quoteQualified } from './identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from './ledger-schema.ts';
import type { Move } from './move.ts';

/**
 * Which side of a key is ahead: the table that is named; `either`, the one that holds a value, and the source where both do; `gone`, the target though its row is no more.
 */
export type Ahead = 'source' | 'target' | 'either' | 'gone';

/** SQL of what notes the keys of a move whose two rows could not be brought into step at once. */
export interface UnsettledNotes {
  /** The table, qualified and quoted: `id`, `side` (which one is ahead), and the key's columns `key_1`, `key_2`. */
  readonly table: string;
  /** The statement of plpgsql that notes a key. */
  note(side: Ahead, key: readonly string[]): string;
  /** Statements that make it, where it is not there yet. */
  readonly create: readonly string[];
  readonly drop: readonly string[];
}

/**
 * A table in the schema of the ledger, and the one function that writes it. The sync runs as whoever writes the application's tables; this function runs as its owner, takes
 * a word and values of PostgreSQL's own types, and can do nothing but keep them. Whoever calls it by hand has both rows of a key looked at, no more: rows that are in step
 * stay what they are.
 */
export function unsettledNotes({ unsettled, via }: Pick<Move, 'unsettled' | 'via'>): UnsettledNotes {
  const { name, schema = DEFAULT_LEDGER_SCHEMA } = unsettled;
  const table = quoteQualified({ schema, name });
  const types = via.map(({ type }) => type);
  const signature = `${table}(text, ${types.join(', ')})`;
  const columns = types.map((type, at) => `key_${at + 1} ${type}`);
  const values = types.map((_, at) => `$${at + 2}`);
  const body = `INSERT INTO ${table} (side, ${types.map((_, at) => `key_${at + 1}`).join(', ')}) SELECT $1, ${values.join(', ')} WHERE $1 IN ('source', 'target', 'either', 'gone') AND ${values.map((value) => `${value} IS NOT NULL`).join(' AND ')}`;
  return {
    table,
    note: (side, key) => `PERFORM ${table}(${quoteLiteral(side)}, ${key.join(', ')});`,
    create: [
      `CREATE TABLE IF NOT EXISTS ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, side text NOT NULL, ${columns.join(', ')}, noted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp())`,
      `CREATE INDEX IF NOT EXISTS ${quoteIdent(deriveName(`${name}_keys`, ''))} ON ${table} (${types.map((_, at) => `key_${at + 1}`).join(', ')})`,
      `REVOKE ALL ON ${table} FROM PUBLIC`,
      `CREATE OR REPLACE FUNCTION ${signature} RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ${quoteLiteral(body)}`,
      `GRANT EXECUTE ON FUNCTION ${signature} TO PUBLIC`,
      `GRANT USAGE ON SCHEMA ${quoteIdent(schema)} TO PUBLIC`,
    ],
    drop: [`DROP FUNCTION IF EXISTS ${signature}`, `DROP TABLE IF EXISTS ${table}`],
  };
}
