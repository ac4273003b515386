import { createHmac } from 'node:crypto';
import { stringify } from 'csv-stringify/sync';
import type { ResultColumn, TextRow } from '../../postgres/rows.ts';

/**
 * Rows as `COPY ... (FORMAT csv, HEADER)` writes them: NULL is nothing, an empty string is `""`, a value is quoted when
 * it has a comma, a quote, CR or LF, or when it is `\.` alone on its line.
 * Source: https://www.postgresql.org/docs/current/sql-copy.html, "CSV Format", and CopyAttributeOutCSV in copyto.c.
 */
export function csvText(rows: readonly TextRow[], columns: number): string {
  if (rows.length === 0) return '';
  // The first pattern is for empty strings; quoted_empty would take in NULL as well.
  const quotedMatch = columns === 1 ? [/^$/, '\r', /^\\\.$/] : [/^$/, '\r'];
  return stringify(rows as TextRow[], { record_delimiter: 'unix', quoted_match: quotedMatch });
}

/** Replaces values by digests that are equal where the values are; NULL stays NULL. */
export class Redaction {
  readonly #columns: ReadonlySet<string>;
  readonly #key: Buffer;

  constructor(columns: readonly string[], key: Buffer) {
    this.#columns = new Set(columns);
    this.#key = key;
  }

  apply(columns: readonly ResultColumn[], rows: readonly TextRow[]): readonly TextRow[] {
    const hidden = columns.map(({ name }) => this.#columns.has(name));
    if (!hidden.includes(true)) return rows;
    return rows.map((row) => row.map((value, at) => (hidden[at] && value !== null ? this.digest(value) : value)));
  }

  digest(value: string): string {
    return `hmac:${createHmac('sha256', this.#key).update(value).digest('hex').slice(0, 32)}`;
  }
}
