import type pg from 'pg';
import type { AuditColumn } from '../../ledger/audits.ts';
import { copyOut } from '../../postgres/copy.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { type ResultColumn, textRows } from '../../postgres/rows.ts';
import { csvText, type Redaction } from './csv.ts';
import type { AuditSource } from './trail.ts';

/** A statement with values for its $1, $2 and so on. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Streams a query through COPY: it takes no values, and what it gives does not pass through our hands. */
export function copySource(db: pg.Client, sql: string): AuditSource {
  let rows = 0;
  async function* bytes(): AsyncGenerator<Buffer> {
    rows = yield* copyOut(db, `COPY (${sql}\n) TO STDOUT (FORMAT csv, HEADER)`);
  }
  return {
    bytes: bytes(),
    rows: () => rows,
    command: () => null,
    columns: async () => typesOf(db, (await db.query(`SELECT * FROM (${sql}\n) AS q LIMIT 0`)).fields.map(columnOf)),
  };
}

/** Runs any statement with a result by a cursor, and prints its rows itself. */
export function cursorSource(db: pg.Client, { sql, values }: Statement, redaction: Redaction): AuditSource {
  let rows = 0;
  let columns: readonly ResultColumn[] = [];
  let command: string | null = null;
  async function* bytes(): AsyncGenerator<string> {
    for await (const portion of textRows(db, sql, values)) {
      const isFirst = columns.length === 0;
      ({ columns, command } = portion);
      if (isFirst) yield csvText([columns.map(({ name }) => name)], columns.length);
      rows += portion.rows.length;
      if (portion.rows.length > 0) yield csvText(redaction.apply(columns, portion.rows), columns.length);
    }
  }
  return { bytes: bytes(), rows: () => rows, command: () => command, columns: () => typesOf(db, columns) };
}

async function typesOf(db: Queryable, columns: readonly ResultColumn[]): Promise<AuditColumn[]> {
  if (columns.length === 0) return [];
  return all(
    db,
    `SELECT name, pg_catalog.format_type(oid, modifier) AS type
     FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::int[])) WITH ORDINALITY AS c(name, oid, modifier, place) ORDER BY place`,
    [
      columns.map(({ name }) => name),
      columns.map(({ typeOid }) => typeOid),
      columns.map(({ typeModifier }) => typeModifier),
    ],
  );
}

const columnOf = ({ name, dataTypeID, dataTypeModifier }: pg.FieldDef): ResultColumn => ({
  name,
  typeOid: dataTypeID,
  typeModifier: dataTypeModifier,
});
