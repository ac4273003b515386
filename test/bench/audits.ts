import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import pg from 'pg';
import { countRows } from '../../src/data/count.ts';
import { ensureLedger } from '../../src/ledger/format.ts';
import { repository } from '../support/bookshop.ts';
import { newConnection } from '../support/database.ts';
import { median } from './measure.ts';
import { benchTable, makeTable } from './tables.ts';

/** How fast a table's rows come into an audit. */
export interface AuditLine {
  readonly rows: number;
  readonly way: string;
  readonly rowsASecond: number;
  /** By the rate of plain COPY in the same round. */
  readonly byCopy: number;
  readonly peakMegabytes: number;
}

const WAYS = [
  { way: 'copy', title: 'COPY TO STDOUT, thrown away' },
  { way: 'large', title: 'audit, the large way (COPY)' },
  { way: 'stringify', title: 'audit, through csv-stringify' },
];
/** One module, so that what it takes is told without a compiler. */
const CHILD = join(repository, '.phase/bench/audit-child.mjs');

function buildChild(): void {
  buildSync({
    entryPoints: [join(repository, 'test/bench/audit-child.ts')],
    outfile: CHILD,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
}

export async function benchAudits(
  url: string,
  sizes: readonly number[],
  rounds: number,
  tell: (text: string) => void,
): Promise<AuditLine[]> {
  buildChild();
  const db = newConnection({ connectionString: url });
  await db.connect();
  await ensureLedger(db);
  const lines: AuditLine[] = [];
  for (const rows of sizes) {
    await makeTable(db, benchTable('bigint', rows));
    const found = new Map<string, { rate: number; peak: number }[]>();
    for (let round = 1; round <= rounds; round++) {
      for (const { way } of WAYS) {
        const { seconds, peakMegabytes } = runChild(way, url, rows);
        found.set(way, [...(found.get(way) ?? []), { rate: rows / seconds, peak: peakMegabytes }]);
      }
      tell(`audits of ${rows} rows, round ${round} of ${rounds}`);
    }
    for (const { way, title } of WAYS) {
      const own = found.get(way) ?? [];
      const copy = found.get('copy') ?? [];
      lines.push({
        rows,
        way: title,
        rowsASecond: Math.round(median(own.map(({ rate }) => rate))),
        byCopy: median(own.map(({ rate }, at) => rate / (copy[at]?.rate ?? rate))),
        peakMegabytes: Math.max(...own.map(({ peak }) => peak)),
      });
    }
  }
  await db.end();
  return lines;
}

function runChild(way: string, url: string, rows: number): { seconds: number; peakMegabytes: number } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [CHILD, way, url], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const result = JSON.parse(stdout);
  if (result.rows !== rows) throw new Error(`${way} gave ${result.rows} rows of ${rows}.`);
  return result;
}

/** How fast mismatches are counted. */
export interface CountLine {
  readonly connections: number;
  readonly rowsASecond: number;
  readonly byOne: number;
}

export async function benchCount(url: string, rows: number, rounds: number): Promise<CountLine[]> {
  const clients = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })];
  for (const client of clients) await client.connect();
  const [db] = clients;
  if (db === undefined) return [];
  await makeTable(db, benchTable('bigint', rows));
  const rates = new Map<number, number[]>([
    [1, []],
    [2, []],
  ]);
  for (let round = 1; round <= rounds; round++) {
    for (const [connections, own] of rates) {
      const began = performance.now();
      await countRows(clients.slice(0, connections), 't', 'old IS DISTINCT FROM new');
      own.push(rows / ((performance.now() - began) / 1_000));
    }
  }
  for (const client of clients) await client.end();
  const one = rates.get(1) ?? [];
  return [...rates].map(([connections, own]) => ({
    connections,
    rowsASecond: Math.round(median(own)),
    byOne: median(own.map((rate, at) => rate / (one[at] ?? rate))),
  }));
}
