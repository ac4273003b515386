import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { readApprovals } from '../../ledger/approvals.ts';
import type { Audit } from '../../ledger/audits.ts';
import { ledgerFormat } from '../../ledger/format.ts';
import { reasonOf } from '../../postgres/errors.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import { folders } from '../../project/folders.ts';
import { openAudit } from './stored.ts';

/** Types whose values are numbers, as `format_type` prints them. */
const NUMERIC = /^(?:smallint|integer|bigint|numeric(?:\(.*\))?|real|double precision)$/;
/** What a spreadsheet runs, as csv-stringify has it, which knows of no column that holds numbers; in the wide forms of these characters, too. A number is none, however it begins. */
const FORMULA = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;
const NUMBER = /^[-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|Infinity|NaN)$/i;

/** Where an audit was exported to. */
export interface ExportedAudit {
  readonly audit: Audit;
  /** Relative to the folder that was given. */
  readonly file: string;
}

/**
 * Writes audits into a folder, as plain CSV, with an index of what they are. Cells that a spreadsheet would run as a
 * formula get an apostrophe in front, unless they are to be exact.
 * @throws PH3016 for one that is not what was written, PH1011 when files of that name are there, PH5011.
 */
export async function exportAudits(
  db: LedgerDb,
  root: string,
  audits: readonly Audit[],
  { out, exact }: { readonly out: string; readonly exact: boolean },
): Promise<ExportedAudit[]> {
  const exported = audits.map((audit) => ({
    audit,
    file: relative(folders.audits, audit.file).replace(/\.gz$/, ''),
  }));
  const index = 'audits.json';
  const taken = [...exported.map(({ file }) => file), index].filter((file) => existsSync(join(out, file)));
  if (taken.length > 0) throw new PhaseError('PH1011', { files: taken.map((file) => join(out, file)) });
  const written: string[] = [];
  let current = out;
  try {
    for (const { audit, file } of exported) {
      current = join(out, file);
      await mkdir(dirname(current), { recursive: true, mode: 0o700 });
      written.push(`${current}.partial`);
      await exportOne(db, root, audit, { path: `${current}.partial`, exact });
      await link(`${current}.partial`, current);
      written.push(current);
      await rm(`${current}.partial`);
    }
    current = join(out, index);
    const entries = exported.map(({ audit, file }) => ({ ...audit, file, stored: audit.file, exact }));
    await mkdir(out, { recursive: true });
    const approvals = await readApprovals(db, await ledgerFormat(db));
    const owners = new Set(audits.map(({ owner }) => owner));
    const approved = approvals.filter(({ migration }) => owners.has(migration));
    await writeFile(current, `${JSON.stringify({ audits: entries, approvals: approved }, null, 2)}\n`, {
      flag: 'wx',
      mode: 0o600,
    });
    return exported;
  } catch (error) {
    for (const path of written) await rm(path, { force: true });
    if (error instanceof PhaseError) throw error;
    throw new PhaseError('PH5011', { file: current, reason: reasonOf(error) }, { cause: error });
  }
}

async function exportOne(
  db: LedgerDb,
  root: string,
  audit: Audit,
  { path, exact }: { readonly path: string; readonly exact: boolean },
): Promise<void> {
  const csv = await openAudit(db, root, audit);
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  await once(file, 'open');
  if (exact) {
    await pipeline(csv, file);
    return;
  }
  const cast = (value: string, { quoting }: { quoting: boolean }): string | null =>
    value === '' && !quoting ? null : value;
  const isNumber = (value: string, at: number): boolean =>
    NUMERIC.test(audit.columns[at]?.type ?? '') && NUMBER.test(value);
  const asText = (value: string, { index }: { readonly index: number }): string =>
    FORMULA.test(value) && !isNumber(value, index) ? `'${value}` : value;
  await pipeline(
    csv,
    parse({ cast, relax_column_count: true }),
    stringify({
      record_delimiter: 'unix',
      quoted_match: [/^$/, '\r'],
      cast: { string: asText },
    }),
    file,
  );
}
