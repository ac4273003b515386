import type pg from 'pg';
import Cursor from 'pg-cursor';

/** A row as PostgreSQL prints its values. */
export type TextRow = readonly (string | null)[];

/** A result's column. */
export interface ResultColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typeModifier: number;
}

/** A part of a result. */
interface Portion {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly TextRow[];
  /** The command that it was, such as UPDATE; known with the last portion. */
  readonly command: string | null;
}

/** How many bytes are fetched at once, about. */
const CHUNK_BYTES = 262_144;
/** One at first: nobody knows yet how wide a row is. */
const FIRST_FETCH = 1;
const MOST_ROWS = 2_000;

interface Field {
  name: string;
  dataTypeID: number;
  dataTypeModifier: number;
}

/**
 * Runs one statement and gives its rows in portions of about 256 kB, so that a result of any size needs no more
 * memory. The first portion may be empty: it is there for the columns.
 * @param values for $1, $2 and so on.
 */
export async function* textRows(
  client: pg.Client,
  sql: string,
  values: readonly unknown[] = [],
): AsyncGenerator<Portion> {
  const asText = { getTypeParser: () => (value: string) => value };
  const cursor = client.query(new Cursor(sql, [...values], { rowMode: 'array', types: asText as never }));
  let failed = false;
  try {
    for (let fetch = FIRST_FETCH; ; ) {
      const { rows, fields, command } = await read(cursor, fetch).catch((error) => {
        failed = true;
        throw error;
      });
      const columns = fields.map(columnOf);
      // Rows may become wider than those before them, and be too much for one string.
      for (const part of inChunks(rows)) yield { columns, rows: part, command };
      if (rows.length < fetch) return;
      const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 1);
      fetch = Math.min(MOST_ROWS, Math.max(1, Math.min(fetch * 8, Math.floor((CHUNK_BYTES / bytes) * rows.length))));
    }
  } finally {
    // After an error of its own it is closed already, and would wait for ever to be.
    if (!failed) await cursor.close();
  }
}

/** At least one chunk, which may be empty. */
function* inChunks(rows: readonly TextRow[]): Generator<readonly TextRow[]> {
  let begin = 0;
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    bytes += bytesOf(row);
    if (bytes < CHUNK_BYTES) continue;
    yield rows.slice(begin, index + 1);
    begin = index + 1;
    bytes = 0;
  }
  if (begin === 0 || begin < rows.length) yield rows.slice(begin);
}

const bytesOf = (row: TextRow): number => row.reduce((all, value) => all + (value?.length ?? 0), 0);

function read(cursor: Cursor, count: number): Promise<{ rows: TextRow[]; fields: Field[]; command: string | null }> {
  return new Promise((resolve, reject) => {
    cursor.read(count, (error, rows, result) => {
      if (error) reject(error);
      else {
        const { fields = [], command = null } = result ?? {};
        resolve({ rows: rows as TextRow[], fields: fields as Field[], command });
      }
    });
  });
}

const columnOf = ({ name, dataTypeID, dataTypeModifier }: Field): ResultColumn => ({
  name,
  typeOid: dataTypeID,
  typeModifier: dataTypeModifier,
});
