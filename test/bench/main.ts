import { parseArgs } from 'node:util';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { table } from '../../src/report/table.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';
import { benchAdopted } from './adopted.ts';
import { type AppLine, benchApp } from './app.ts';
import { type AuditLine, benchAudits, benchCount, type CountLine } from './audits.ts';
import { type BackfillLine, benchBackfill } from './backfill.ts';
import { benchCli, type CliLine } from './cli.ts';
import { benchLargeValues, type LargeValueLine } from './large-values.ts';
import { benchPlan, type PlanLine } from './plan.ts';
import { benchTable, type Key } from './tables.ts';
import { benchWriteRate, type WriteRateLine } from './write-rate.ts';

const MILLION = 1_000_000;

const PARTS = ['backfill', 'writes', 'large', 'audits', 'count', 'plan', 'app', 'cli', 'adopted'];

/** `npm run bench -- [--large] [--only backfill|writes|large|audits|count|app|plan|cli|adopted] [--keys bigint,uuid,composite,none] [--rounds 3] [--rows 1000000] [--json]` */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      large: { type: 'boolean', default: false },
      only: { type: 'string' },
      keys: { type: 'string', default: 'bigint,uuid,composite,none' },
      rounds: { type: 'string', default: '3' },
      rows: { type: 'string', default: String(MILLION) },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.only !== undefined && !PARTS.includes(values.only)) {
    throw new Error(`--only takes one of ${PARTS.join(', ')}.`);
  }
  const rounds = Number(values.rounds);
  const rows = Number(values.rows);
  const wants = (part: string): boolean => values.only === undefined || values.only === part;
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);
  // The server's own settings: what a backfill costs is what it costs with fsync.
  const options = { version: NEWEST_EMBEDDED, project: repository, name: `bench-${process.pid}` };
  const server = await startEmbedded(options);
  try {
    const database = await createDatabase(server);
    const { url } = database;
    const tables = [
      ...values.keys.split(',').map((key) => benchTable(key as Key, rows)),
      ...(values.large ? [benchTable('bigint', 5 * rows), benchTable('uuid', 5 * rows)] : []),
    ];
    const result = {
      backfill: wants('backfill') ? await benchBackfill(url, tables, rounds, tell) : [],
      writes: wants('writes') ? await benchWriteRate(url, rounds, tell) : [],
      large: wants('large') ? await benchLargeValues(url, rounds, tell) : [],
      audits: wants('audits') ? await benchAudits(url, [rows, 5 * rows], rounds, tell) : [],
      count: wants('count') ? await benchCount(url, rows, rounds) : [],
      plan: wants('plan') ? benchPlan(rounds) : [],
      app: wants('app') ? await benchApp(url, rounds) : [],
      cli: wants('cli') ? await benchCli(server, rounds) : [],
      adopted: wants('adopted') ? await benchAdopted(server, rounds) : [],
    };
    await database.drop();
    process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : `${textOf(result)}\n`);
  } catch (error) {
    // Its connections end with the server, each with an error of its own.
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  } finally {
    await removeEmbedded(options);
  }
}

interface Result {
  readonly backfill: readonly BackfillLine[];
  readonly writes: readonly WriteRateLine[];
  readonly large: readonly LargeValueLine[];
  readonly audits: readonly AuditLine[];
  readonly count: readonly CountLine[];
  readonly plan: readonly PlanLine[];
  readonly app: readonly AppLine[];
  readonly cli: readonly CliLine[];
  readonly adopted: readonly CliLine[];
}

function textOf({ backfill, writes, large, audits, count, plan, app, cli, adopted }: Result): string {
  const parts = [
    backfill.length === 0 ? '' : markdown(BACKFILL_HEAD, backfill.map(backfillRow)),
    writes.length === 0
      ? ''
      : markdown(
          ['writes', 'trigger', 'rows/s', 'loss'],
          writes.map((line) => [line.writes, line.trigger, whole(line.rowsASecond), percent(line.loss)]),
        ),
    large.length === 0
      ? ''
      : markdown(
          ['values of', 'trigger', 'rows/s', 'loss'],
          large.map((line) => [line.size, line.trigger, whole(line.rowsASecond), percent(line.loss)]),
        ),
    audits.length === 0
      ? ''
      : markdown(
          ['rows', 'way', 'rows/s', 'by COPY', 'peak memory'],
          audits.map((line) => [
            whole(line.rows),
            line.way,
            whole(line.rowsASecond),
            line.byCopy.toFixed(2),
            `${line.peakMegabytes} MB`,
          ]),
        ),
    count.length === 0
      ? ''
      : markdown(
          ['connections', 'rows/s', 'by one'],
          count.map((line) => [String(line.connections), whole(line.rowsASecond), line.byOne.toFixed(2)]),
        ),
    plan.length === 0
      ? ''
      : markdown(
          ['10,000 migrations in 500 releases', 'order', 'plan', 'held', 'stops'],
          plan.map((line) => [
            line.what,
            `${whole(line.orderMs)} ms`,
            `${whole(line.planMs)} ms`,
            String(line.held),
            String(line.stops),
          ]),
        ),
    app.length === 0
      ? ''
      : markdown(
          ['release', 'triphase/app', 'rows/s', 'microseconds a row more'],
          app.map((line) => [line.release, line.what, whole(line.rowsASecond), line.cost.toFixed(2)]),
        ),
    cliText(cli),
    cliText(adopted),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function cliText(lines: readonly CliLine[]): string {
  if (lines.length === 0) return '';
  const rows = lines.map((line) => [
    line.command,
    `${whole(line.ms)} ms`,
    `${whole(line.overNode)} ms`,
    line.byPeer?.toFixed(2) ?? '',
    `${line.peakMegabytes} MB`,
  ]);
  return markdown(['command', 'process', 'over node', 'by knex', 'peak memory'], rows);
}

const BACKFILL_HEAD = [
  'table',
  'method',
  'rows/s',
  'by UPDATE',
  'by pgroll',
  'heap',
  'indexes',
  'WAL',
  'lock p50 / p99 / longest',
  'client CPU',
];

function backfillRow(line: BackfillLine): string[] {
  if (line.missing !== null) return [line.table, line.method, line.missing, '', '', '', '', '', '', ''];
  const { p50, p99, longest } = line.lock;
  return [
    line.table,
    line.method,
    whole(line.rowsASecond),
    line.byUpdate?.toFixed(2) ?? '',
    line.byPgroll?.toFixed(2) ?? '',
    line.heap.toFixed(2),
    line.indexes?.toFixed(2) ?? '',
    `${line.walMegabytes} MB`,
    `${p50} / ${p99} / ${longest} ms`,
    `${line.clientCpu.toFixed(2)} s`,
  ];
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** A table that is read in a terminal as in Markdown. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const framed = (cells: readonly string[]): string[] => cells.flatMap((cell) => ['|', cell]).concat('|');
  return table([framed(head), framed(head.map(() => '---')), ...rows.map(framed)]);
}

await main();
