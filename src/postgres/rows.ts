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

/** How many bytes are fetched at once, about. */
const CHUNK_BYTES = 262_144;
const FIRST_FETCH = 32;
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
): AsyncGenerator<{ readonly columns: readonly ResultColumn[]; readonly rows: readonly TextRow[] }> {
  const asText = { getTypeParser: () => (value: string) => value };
  const cursor = client.query(new Cursor(sql, [...values], { rowMode: 'array', types: asText as never }));
  let failed = false;
  try {
    for (let fetch = FIRST_FETCH; ; ) {
      const { rows, fields } = await read(cursor, fetch).catch((error) => {
        failed = true;
        throw error;
      });
      yield { columns: fields.map(columnOf), rows };
      if (rows.length < fetch) return;
      const bytes = rows.reduce((sum, row) => sum + row.reduce((all, value) => all + (value?.length ?? 0), 0), 1);
      fetch = Math.min(MOST_ROWS, Math.max(1, Math.min(fetch * 8, Math.floor((CHUNK_BYTES / bytes) * rows.length))));
    }
  } finally {
    // After an error of its own it is closed already, and would wait for ever to be.
    if (!failed) await cursor.close();
  }
}

function read(cursor: Cursor, count: number): Promise<{ rows: TextRow[]; fields: Field[] }> {
  return new Promise((resolve, reject) => {
    cursor.read(count, (error, rows, result) => {
      if (error) reject(error);
      else resolve({ rows: rows as TextRow[], fields: (result?.fields ?? []) as Field[] });
    });
  });
}

const columnOf = ({ name, dataTypeID, dataTypeModifier }: Field): ResultColumn => ({
  name,
  typeOid: dataTypeID,
  typeModifier: dataTypeModifier,
});
