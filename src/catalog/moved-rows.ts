import { quoteIdent, quoteLiteral, quoteQualified } from '../domain/identifier.ts';
import { areJoined, isUnplaced, keyOf, type Move, valuesDiffer } from '../domain/move.ts';
import { unsettledNotes } from '../domain/unsettled.ts';
import { one, type Queryable } from '../postgres/queryable.ts';

const SHOWN = 10;

/** Rows that stand in the way of a move, and some of their keys. */
export interface FoundRows {
  readonly rows: number;
  readonly examples: readonly string[];
}

/** A move before it is planned: its tables, columns, and what joins them. */
export type Moved = Pick<Move, 'table' | 'from' | 'toTable' | 'to' | 'via' | 'byteEqual'>;

/** Rows with a value that has no row of the other table to go to. */
export function findUnplaced(db: Queryable, move: Moved): Promise<FoundRows> {
  const key = keyOf(move, 'source', '');
  return counted(
    db,
    `SELECT ${inWords(move, key)} AS example FROM ${quoteQualified(move.table)} WHERE ${isUnplaced(move as Move)}`,
  );
}

/** Keys of which several rows hold different values, whether there is a row of the other table for them yet or not. */
export function findMixedGroups(db: Queryable, move: Moved): Promise<FoundRows> {
  const { table, from } = move;
  const value = quoteIdent(from);
  const key = keyOf(move, 'source', 's.');
  return counted(
    db,
    `SELECT ${inWords(move, key)} || ': ' || pg_catalog.string_agg(DISTINCT coalesce(s.${value}::text, 'NULL'), ', ') AS example
     FROM ${quoteQualified(table)} AS s WHERE ${key.map((one) => `${one} IS NOT NULL`).join(' AND ')}
     GROUP BY ${key.join(', ')} HAVING pg_catalog.count(DISTINCT coalesce('=' || s.${value}::text, '-')) > 1`,
  );
}

/** Rows of both tables that belong together and hold different values, but for those that the triggers have noted. */
export async function countMoveMismatches(db: Queryable, move: Move, hasNotes: boolean): Promise<number> {
  const { table, from, toTable, to, via } = move;
  const noted = hasNotes
    ? ` AND NOT EXISTS (SELECT FROM ${unsettledNotes(move).table} AS n WHERE ${via.map(({ source }, at) => `n.key_${at + 1} = s.${quoteIdent(source)}`).join(' AND ')})`
    : '';
  const { rows } = await one<{ rows: string }>(
    db,
    `SELECT pg_catalog.count(*)::text AS rows FROM ${quoteQualified(table)} AS s JOIN ${quoteQualified(toTable)} AS t ON ${areJoined(move, 's.', 't.')}
     WHERE ${valuesDiffer(move, `s.${quoteIdent(from)}`, `t.${quoteIdent(to)}`)}${noted}`,
  );
  return Number(rows);
}

/** Rows of the other table that hold what no row of the first one does: with the new column it would be gone. */
export function findOnlyThere(db: Queryable, move: Move): Promise<FoundRows> {
  const { table, from, toTable, to } = move;
  const [old, fresh] = [`s.${quoteIdent(from)}`, `t.${quoteIdent(to)}`];
  return counted(
    db,
    `SELECT ${inWords(move, keyOf(move, 'target', 't.'))} AS example FROM ${quoteQualified(toTable)} AS t WHERE ${fresh} IS DISTINCT FROM NULL
       AND NOT EXISTS (SELECT FROM ${quoteQualified(table)} AS s WHERE ${areJoined(move, 's.', 't.')} AND NOT (${valuesDiffer(move, old, fresh)}))`,
  );
}

const inWords = ({ via }: Moved, key: readonly string[]): string =>
  `pg_catalog.concat_ws(', ', ${via.map(({ source }, at) => `${quoteLiteral(`${source} `)} || coalesce(${key[at]}::text, 'NULL')`).join(', ')})`;

async function counted(db: Queryable, query: string): Promise<FoundRows> {
  const { rows, examples } = await one<{ rows: string; examples: string[] | null }>(
    db,
    `SELECT pg_catalog.count(*)::text AS rows, pg_catalog.array_agg(example) FILTER (WHERE number <= ${SHOWN}) AS examples
     FROM (SELECT example, pg_catalog.row_number() OVER () AS number FROM (${query}) AS found) AS numbered`,
  );
  return { rows: Number(rows), examples: examples ?? [] };
}
