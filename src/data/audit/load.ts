import type { Readable } from 'node:stream';
import type pg from 'pg';
import { quoteIdent } from '../../domain/identifier.ts';
import type { AuditColumn } from '../../ledger/audits.ts';
import { copyIn } from '../../postgres/copy.ts';

/** Loads the CSV of an audit into a temporary table of the transaction, exactly as it was. */
export async function loadCsv(
  db: pg.Client,
  table: string,
  columns: readonly AuditColumn[],
  csv: Readable,
): Promise<void> {
  const types = columns.map(({ name, type }) => `${quoteIdent(name)} ${type}`);
  await db.query(`CREATE TEMP TABLE ${quoteIdent(table)} (${types.join(', ')}) ON COMMIT DROP`);
  await copyIn(db, `COPY pg_temp.${quoteIdent(table)} FROM STDIN (FORMAT csv, HEADER)`, csv);
}
