import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import Papa from 'papaparse';
import { csvText, Redaction } from '../../src/data/audit/csv.ts';
import { inAuditFormat } from '../../src/data/audit/format.ts';
import { copySource, cursorSource } from '../../src/data/audit/source.ts';
import type { AuditSource } from '../../src/data/audit/trail.ts';
import { copyIn } from '../../src/postgres/copy.ts';
import { inRolledBackTransaction } from '../../src/postgres/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const NO_REDACTION = new Redaction([], Buffer.alloc(32));
/** What CSV makes trouble with, mixed with any text. */
const value = fc.option(
  fc.oneof(
    fc.constantFrom(
      '',
      '""',
      '"',
      ',',
      '\n',
      '\r',
      '\r\n',
      '\\.',
      '\\N',
      'NULL',
      ' ',
      ' a ',
      "'",
      '\t',
      '﻿',
      'ä€𝄞',
      '=1+1',
    ),
    fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
  ),
);
const rowsOf = (columns: number) =>
  fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { maxLength: 12 });

async function bytesOf({ bytes }: AuditSource): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of bytes) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts).toString('utf8');
}

test.each([1, 3])(
  'rows of %i texts have the same bytes by COPY and by us, and come back by COPY FROM and another reader',
  async (columns) => {
    const names = Array.from({ length: columns }, (_, at) => `c"${at},`);
    const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`);
    await fc.assert(
      fc.asyncProperty(rowsOf(columns), async (rows) => {
        await inRolledBackTransaction(database.client, async () => {
          await database.sql(
            `CREATE TEMP TABLE given (place serial, ${quoted.map((name) => `${name} text`).join(', ')}) ON COMMIT DROP`,
          );
          for (const row of rows) {
            await database.sql(
              `INSERT INTO given (${quoted.join(', ')}) VALUES (${row.map((_, at) => `$${at + 1}`).join(', ')})`,
              row,
            );
          }
          const sql = `SELECT ${quoted.join(', ')} FROM given ORDER BY place`;
          const byCopy = await bytesOf(copySource(database.client, sql));
          expect(await bytesOf(cursorSource(database.client, { sql, values: [] }, NO_REDACTION))).toBe(byCopy);
          expect(csvText([names, ...rows], columns)).toBe(byCopy);
          await database.sql(
            `CREATE TEMP TABLE back (place serial, ${quoted.map((name) => `${name} text`).join(', ')}) ON COMMIT DROP`,
          );
          await copyIn(
            database.client,
            `COPY back (${quoted.join(', ')}) FROM STDIN (FORMAT csv, HEADER)`,
            Readable.from([byCopy]),
          );
          const all = `SELECT ARRAY[${quoted.join(', ')}] AS row FROM`;
          const [given, back] = [
            await database.sql(`${all} given ORDER BY place`),
            await database.sql(`${all} back ORDER BY place`),
          ];
          expect(back).toEqual(given);
          const { data } = Papa.parse<string[]>(byCopy.replace(/\n$/, ''), { newline: '\n', delimiter: ',' });
          expect(data).toEqual([names, ...rows.map((row) => row.map((text) => text ?? ''))]);
        });
      }),
      { numRuns: 150 },
    );
  },
);

const TYPES = `SELECT 1::bigint AS "Id", 1.50::numeric(10,2), 1.1::float8 / 3, 'NaN'::float4, true, '2026-01-31'::date, '2026-01-31 12:00:00.123456+05'::timestamptz,
  '-1 year 3 days 04:05:06'::interval, E'\\\\xdeadbeef'::bytea, '{"a": [1, null]}'::jsonb, ARRAY['a', NULL, 'b,"c'], int4range(1, 5), '10.0.0.1/8'::inet,
  gen_random_uuid() IS NOT NULL, '(1,2)'::point, NULL::text, ''::text, xmlparse(content '<a>1</a>'), 'x'::"char", B'101', '12:34:56.7'::time`;

test('values of every kind are printed alike, whatever the settings of the session', async () => {
  await inRolledBackTransaction(database.client, async () => {
    await database.sql(
      `SET LOCAL datestyle = 'SQL, DMY'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL bytea_output = 'escape'; SET LOCAL extra_float_digits = 0`,
    );
    const printed = await inAuditFormat(database.client, async () => {
      const byCopy = await bytesOf(copySource(database.client, TYPES));
      expect(await bytesOf(cursorSource(database.client, { sql: TYPES, values: [] }, NO_REDACTION))).toBe(byCopy);
      return byCopy;
    });
    expect(printed).toContain('2026-01-31,2026-01-31 ');
    expect(printed).toContain('-1 years +3 days 04:05:06,\\xdeadbeef');
    const [{ style }] = await database.sql(`SELECT current_setting('datestyle') AS style`);
    expect(style).toBe('SQL, DMY');
  });
});

test('a result larger than a fetch is whole and in order', async () => {
  const sql = `SELECT n, repeat('x', (n % 2000)::int) FROM generate_series(1, 20000) AS n`;
  const source = cursorSource(database.client, { sql, values: [] }, NO_REDACTION);
  const text = await bytesOf(source);
  expect(source.rows()).toBe(20_000);
  expect(text).toBe(await bytesOf(copySource(database.client, sql)));
});

test('an error in the middle of a result is the error, and the connection goes on', async () => {
  const sql = 'SELECT 1 / (5000 - n) FROM generate_series(1, 6000) AS n';
  await expect(bytesOf(cursorSource(database.client, { sql, values: [] }, NO_REDACTION))).rejects.toThrow(
    'division by zero',
  );
  await expect(bytesOf(copySource(database.client, sql))).rejects.toThrow('division by zero');
  expect(await database.sql('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});
