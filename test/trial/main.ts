import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { EMBEDDED_VERSIONS, type EmbeddedVersion } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';
import { FAST_SETTINGS } from '../support/server.ts';
import { type TrialResult, tryColumn } from './column.ts';
import { integerColumns, tryRetype } from './retype.ts';
import { fillTables, USUAL_ROWS } from './rows.ts';
import { columnsOf, loadDump, type SkippedStatement, type TrialColumn } from './schema.ts';

const USAGE = `Usage: npm run trial -- FILE.sql [--columns N] [--seed S] [--only TABLE[.COLUMN]] [--rows N] [--pg-version 14..18] [--jobs N] [--retype] [--json]

Renames columns of a schema dump through three releases, each in a database of its own, and compares the end with
ALTER TABLE ... RENAME COLUMN. With --retype integers get another type, with what references them, as ALTER COLUMN TYPE would. Without --columns all of them; with it, so many drawn by the seed.`;

interface Settings {
  readonly file: string;
  readonly columns: number;
  readonly seed: string;
  readonly only: string | undefined;
  readonly rows: number;
  readonly version: EmbeddedVersion;
  readonly jobs: number;
  readonly json: boolean;
  readonly retype: boolean;
}

interface Report {
  readonly file: string;
  readonly version: EmbeddedVersion;
  readonly seed: string;
  readonly skippedStatements: readonly SkippedStatement[];
  readonly emptyTables: readonly string[];
  readonly columns: readonly TrialResult[];
  readonly totals: Readonly<Record<TrialResult['outcome'] | 'columns' | 'equalPercent', number>>;
}

/** What parseArgs refuses, such as an unknown option, is no use of the command. */
function parsed(args: string[]): ReturnType<typeof parse> | null {
  try {
    return parse(args);
  } catch {
    return null;
  }
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      columns: { type: 'string' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      rows: { type: 'string', default: String(USUAL_ROWS) },
      'pg-version': { type: 'string', default: '18' },
      jobs: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      retype: { type: 'boolean', default: false },
    },
  });
}

/** Null for what is no use of the command. */
function settingsOf(args: string[]): Settings | null {
  const given = parsed(args);
  if (given === null) return null;
  const { values, positionals } = given;
  const [file] = positionals;
  const columns = values.columns === undefined ? Number.POSITIVE_INFINITY : Number(values.columns);
  const version = EMBEDDED_VERSIONS.find((known) => String(known) === values['pg-version']);
  if (
    file === undefined ||
    positionals.length > 1 ||
    !(columns > 0) ||
    !(Number(values.jobs) > 0) ||
    !(Number(values.rows) > 0) ||
    !version
  )
    return null;
  const { seed, only, json, retype } = values;
  return { file, columns, seed, only, version, json, retype, jobs: Number(values.jobs), rows: Number(values.rows) };
}

async function main(): Promise<number> {
  const settings = settingsOf(process.argv.slice(2));
  if (settings === null) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const server = {
    version: settings.version,
    project: repository,
    name: `trial-${process.pid}`,
    settings: FAST_SETTINGS,
  };
  const url = await startEmbedded(server);
  try {
    const report = await trial(url, settings);
    process.stdout.write(settings.json ? `${JSON.stringify(report, null, 2)}\n` : describe(report));
    return report.totals.different + report.totals.failed === 0 ? 0 : 1;
  } finally {
    await removeEmbedded(server);
  }
}

async function trial(url: string, settings: Settings): Promise<Report> {
  const template = await createDatabase(url);
  const skippedStatements = await loadDump(template, settings.file);
  const emptyTables = await fillTables(template, settings.rows);
  const all = await columnsOf(template);
  const chosen = draw(settings.retype ? await integerColumns(template, all) : all, settings);
  const name = new URL(template.url).pathname.slice(1);
  await template.client.end();
  let finished = 0;
  const attempt = async (column: TrialColumn): Promise<TrialResult> => {
    const result = await (settings.retype ? tryRetype : tryColumn)(url, name, column);
    process.stderr.write(`${String(++finished).padStart(5)}/${chosen.length} ${headline(result)}\n`);
    return result;
  };
  // The first one alone: commands load their modules when they are run, and a loader that compiles gives a second asker a module that is half loaded.
  const [first, ...others] = chosen;
  const columns =
    first === undefined ? [] : [await attempt(first), ...(await inParallel(others, settings.jobs, attempt))];
  const { file, version, seed } = settings;
  return { file, version, seed, skippedStatements, emptyTables, columns, totals: totalsOf(columns) };
}

/** The same columns for the same seed: those whose hashes come first, in the order of the tables. */
function draw(columns: readonly TrialColumn[], { columns: most, seed, only }: Settings): TrialColumn[] {
  const key = ({ table, column }: TrialColumn) => `${table}.${column}`;
  const named =
    only === undefined
      ? columns
      : columns.filter((column) => key(column).endsWith(only) || column.table.endsWith(only));
  const rank = (column: TrialColumn) =>
    createHash('sha256')
      .update(`${seed} ${key(column)}`)
      .digest('hex');
  const kept = new Set([...named].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, most));
  return named.filter((column) => kept.has(column));
}

async function inParallel<T, R>(items: readonly T[], jobs: number, body: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await body(items[at] as T);
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return results;
}

function totalsOf(results: readonly TrialResult[]): Report['totals'] {
  const count = (outcome: TrialResult['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const equal = count('equal');
  return {
    columns: results.length,
    equal,
    different: count('different'),
    refused: count('refused'),
    failed: count('failed'),
    equalPercent: results.length === 0 ? 0 : Math.floor((equal / results.length) * 1_000) / 10,
  };
}

function headline({ table, column, outcome, code, durationMs }: TrialResult): string {
  return `${outcome}${code === undefined ? '' : ` ${code}`} ${table}.${column} (${(durationMs / 1_000).toFixed(1)} s)`;
}

function describe({ columns, totals, skippedStatements, emptyTables, version }: Report): string {
  const lines = columns.flatMap((result) => [
    headline(result),
    ...(result.reason === undefined ? [] : [`    ${result.phase ? `phase ${result.phase}: ` : ''}${result.reason}`]),
    ...(result.differences ?? []).map((difference) => `    ${difference}`),
  ]);
  return [
    ...lines,
    '',
    ...skippedStatements.map(({ statement, reason }) => `not loaded: ${statement.replaceAll(/\s+/g, ' ')}: ${reason}`),
    ...(emptyTables.length === 0 ? [] : [`no rows in: ${emptyTables.join(', ')}`]),
    `PostgreSQL ${version}: ${totals.columns} columns, ${totals.equal} equal (${totals.equalPercent} %), ${totals.different} different, ${totals.refused} refused, ${totals.failed} failed`,
    '',
  ].join('\n');
}

process.exitCode = await main();
